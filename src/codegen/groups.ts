import type { DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Type } from "@bufbuild/protobuf/wkt";
import { messagesOf } from "./used-files.ts";

/** Has ts-proto, which knows no groups, take each for a field with a length. `groups` makes them groups again. */
export function writeGroups(files: Iterable<DescFile>): void {
  for (const file of files) {
    for (const field of messagesOf(file).flatMap(({ fields }) => fields)) {
      if (isGroup(field)) field.proto.type = FieldDescriptorProto_Type.MESSAGE;
    }
  }
}

/** True for a group of proto2, and for a message that an edition has delimited. */
export function isGroup(field: DescField): boolean {
  return "delimitedEncoding" in field && field.delimitedEncoding;
}

/**
 * What ts-proto made of messages, where groups begin and end with a tag.
 * @param types by their full names, each whose code may be in `content`
 */
export function groups(content: string, types: ReadonlyMap<string, DescMessage>): string {
  const changed = content.replace(/\$type: "([^"]+)" as const,[\s\S]*?\n\};\n/g, (code, name: string) =>
    (types.get(name)?.fields ?? []).filter(isGroup).reduce(asGroup, code),
  );
  return changed === content ? content : changed.replace("\nfunction createBase", `\n${helper}\nfunction createBase`);
}

// No name in a .proto file has a `$`. Trunkline's own reader must be told where a group ends; others take no harm.
const helper = `/** The length of the fields of a group that begins here. Its end, a tag, comes behind them. */
function $group(reader: BinaryReader, field: number): number {
  const start = reader.pos;
  for (let end = start; ; end = reader.pos) {
    const [number, type] = reader.tag();
    if (type !== 4) {
      reader.skip(type, number);
      continue;
    }
    if (number !== field) {
      throw new globalThis.Error("a group ends with the tag of another");
    }
    reader.pos = start;
    (reader as any).$groupBytes = end - start;
    return end - start;
  }
}
`;

function asGroup(code: string, { number }: DescField): string {
  const [withLength, start, end] = [2, 3, 4].map((type) => ((number << 3) | type) >>> 0);
  const read = new RegExp(
    `(case ${number}: \\{\\s+if \\(tag !== )${withLength}(\\) \\{[\\s\\S]*?)reader\\.uint32\\(\\)([\\s\\S]*?;)(?=\\s+continue;)`,
  );
  return code
    .replaceAll(`writer.uint32(${withLength}).fork()).join()`, `writer.uint32(${start})).uint32(${end})`)
    .replace(read, `$1${start}$2$$group(reader, ${number})$3\nreader.uint32();`);
}

import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { MESSAGE_BYTES } from "../transport/codec/heap.ts";

/**
 * What ts-proto made of messages, where `decode` says what a message of more than a few fields takes, before it is made:
 * the reader refuses then what would take many times its bytes. A reader that asks for nothing takes no harm.
 * @param types by their full names, each whose code may be in `content`
 */
export function weighed(content: string, types: ReadonlyMap<string, DescMessage>): string {
  return content.replace(/\$type: "([^"]+)" as const,[\s\S]*?\n\};\n/g, (code, name: string) => {
    const type = types.get(name);
    const bytes = type === undefined ? 0 : heapBytes(type);
    if (bytes <= MESSAGE_BYTES) return code;
    return code.replace(
      /^( +)\(reader as any\)\.__tsProtoDecodeDepth = \w+ \+ 1;$/m,
      `$1(reader as any).$$heapBytes = ${bytes};\n$&`,
    );
  });
}

/** What V8's heap takes, in bytes, of a message in which every list, map and oneof has come to hold something. */
const taken = {
  object: 24,
  slot: 8,
  // With room for the first sixteen.
  list: 184,
  record: 56,
  map: 184,
  oneof: 40,
} as const;

function heapBytes({ fields, oneofs }: DescMessage): number {
  const alone = fields.filter((field) => field.oneof === undefined);
  const held = alone.reduce((sum, field) => sum + taken.slot + contentOf(field), 0);
  return taken.slot + taken.object + held + oneofs.length * (taken.slot + taken.oneof);
}

function contentOf(field: DescField): number {
  if (field.fieldKind === "list") return taken.list;
  if (field.fieldKind !== "map") return 0;
  return field.mapKey === ScalarType.STRING ? taken.record : taken.map;
}

import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescOneof,
  DescService,
} from "@bufbuild/protobuf";

/** What can be found in a `.proto`. */
export type Declaration = DescService | DescMethod | DescMessage | DescField | DescOneof | DescEnum | DescEnumValue;

/** What a `.proto` says above and behind a declaration. */
export function commentOf(of: Declaration): string {
  const found = findLocation(fileOf(of), pathOf(of));
  return [found?.leadingComments, found?.trailingComments].map(clean).filter(Boolean).join("\n\n");
}

/**
 * Where a declaration stands: `greeter/v1/greeter.proto:7`.
 * @param inside what to point at within it, as in `google.protobuf.SourceCodeInfo.Location.path`. Where the compiler
 *   sent no location for it, the place is that of the nearest declaration around it; with none at all, the file.
 */
export function placeOf(of: Declaration, ...inside: readonly number[]): string {
  const file = fileOf(of);
  const path = [...pathOf(of), ...inside];
  for (let length = path.length; length > 0; length--) {
    const line = findLocation(file, path.slice(0, length))?.span[0];
    if (line !== undefined) return `${file.proto.name}:${line + 1}`;
  }
  return file.proto.name;
}

/** A declaration's full proto name, as it reads in an error. */
export function nameOf(of: Declaration): string {
  return "typeName" in of ? of.typeName : `${of.parent.typeName}.${of.name}`;
}

function fileOf(of: Declaration): DescFile {
  return "file" in of ? of.file : of.parent.file;
}

/** The numbers are those of the fields in `google.protobuf.FileDescriptorProto` and what it holds. */
function pathOf(of: Declaration): number[] {
  switch (of.kind) {
    case "service":
      return [6, of.file.services.indexOf(of)];
    case "rpc":
      return [...pathOf(of.parent), 2, of.parent.methods.indexOf(of)];
    case "message":
      if (of.parent !== undefined) return [...pathOf(of.parent), 3, of.parent.nestedMessages.indexOf(of)];
      return [4, of.file.messages.indexOf(of)];
    case "field":
      return [...pathOf(of.parent), 2, of.parent.fields.indexOf(of)];
    case "oneof":
      return [...pathOf(of.parent), 8, of.parent.oneofs.indexOf(of)];
    case "enum":
      if (of.parent !== undefined) return [...pathOf(of.parent), 4, of.parent.nestedEnums.indexOf(of)];
      return [5, of.file.enums.indexOf(of)];
    case "enum_value":
      return [...pathOf(of.parent), 2, of.parent.values.indexOf(of)];
  }
}

function findLocation({ proto }: DescFile, path: readonly number[]) {
  return proto.sourceCodeInfo?.location.find(
    (each) => each.path.length === path.length && each.path.every((number, i) => number === path[i]),
  );
}

function clean(comment: string | undefined): string {
  return (comment ?? "")
    .split("\n")
    .map((line) => line.replace(/^ /, "").trimEnd())
    .join("\n")
    .trim();
}

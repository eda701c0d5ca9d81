import type { DescEnum, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { fieldProperty, isReservedWord, typeExport } from "./names.ts";
import { type Declaration, nameOf, placeOf } from "./source.ts";
import { messagesOf } from "./used-files.ts";

/** Names that ts-proto's code needs for itself, or that TypeScript gives to no type. */
const unusableNames = new Set(
  (
    "BinaryReader BinaryWriter Builtin DeepPartial MessageFns Partial Uint8Array any bigint boolean never " +
    "number object protobufFileName protobufPackage string symbol unknown"
  ).split(" "),
);

/** Of these an object of an enum's values would keep none, or another. */
const unusableValues = new Set(["__proto__", "UNRECOGNIZED"]);

type Report = (of: Declaration, text: string) => void;

/** Finds names of messages, fields, enums and values that TypeScript cannot have, or that become the same in it. */
export function checkMessageNames(file: DescFile): string[] {
  const problems: string[] = [];
  const report: Report = (of, text) => {
    problems.push(`${placeOf(of)}: ${nameOf(of)} cannot be generated, since ${text}`);
  };
  const messages = messagesOf(file);
  const enums = [...file.enums, ...messages.flatMap((message) => message.nestedEnums)];
  checkTypes([...messages, ...enums], report);
  for (const value of enums.flatMap(({ values }) => values)) {
    if (isReservedWord(value.name) || unusableValues.has(value.name)) {
      report(value, `"${value.name}" can name no value in TypeScript: rename it`);
    }
  }
  for (const { oneofs, fields } of messages) {
    const plain = fields.filter(({ oneof }) => oneof === undefined);
    const properties = checkFields(plain, report);
    for (const oneof of oneofs) {
      const other = properties.get(fieldProperty(oneof.name));
      if (other !== undefined) report(other, `it becomes the same as the oneof "${oneof.name}": rename one`);
      checkFields(oneof.fields, report);
    }
  }
  return problems;
}

function checkTypes(types: readonly (DescMessage | DescEnum)[], report: Report): void {
  const exported = new Map<string, Declaration>();
  // ts-proto declares a function beside each message.
  for (const type of types) if (type.kind === "message") exported.set(`createBase${typeExport(type)}`, type);
  for (const type of types) {
    const name = typeExport(type);
    const other = exported.get(name);
    if (other !== undefined) report(type, `it becomes "${name}" as ${nameOf(other)} does: rename one`);
    exported.set(name, type);
    if (isReservedWord(name) || unusableNames.has(name)) {
      report(type, `"${name}" can name no type in TypeScript: rename it`);
    }
  }
}

/** Returns the properties, each with the field that becomes it. */
function checkFields(fields: readonly DescField[], report: Report): Map<string, DescField> {
  const properties = new Map<string, DescField>();
  for (const field of fields) {
    const property = fieldProperty(field.name);
    const other = properties.get(property);
    if (other !== undefined) report(field, `it becomes "${property}" as ${nameOf(other)} does: rename one`);
    properties.set(property, field);
  }
  return properties;
}

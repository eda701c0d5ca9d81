import type { DescEnum, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { Edition, FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { isReservedWord, typeExport } from "./names.ts";
import { type Declaration, nameOf, placeOf } from "./source.ts";

/** Where the code that ts-proto makes of messages is not what their contract says. */
export interface MessageReport {
  /** Code that does not compile, or bytes that others read differently. */
  readonly problems: readonly string[];
  /** What holds only with care. */
  readonly warnings: readonly string[];
}

/** Names that ts-proto's code needs for itself, or that TypeScript gives to no type. */
const unusableNames = new Set(
  (
    "BinaryReader BinaryWriter Builtin DeepPartial MessageFns Partial Uint8Array any bigint boolean never " +
    "number object string symbol unknown"
  ).split(" "),
);

/** Looks at every message that a service of these files sends or receives, and at what those hold. */
export function checkMessages(files: readonly DescFile[]): MessageReport {
  const problems: string[] = [];
  const warnings: string[] = [];
  const editions = new Set<string>();
  const report = (into: string[], of: Declaration, text: string) => into.push(`${placeOf(of)}: ${nameOf(of)} ${text}`);

  for (const type of reachable(files)) {
    const names = type.kind === "enum" ? type.values.map((value) => [value, value.name] as const) : [];
    for (const [of, name] of [[type, typeExport(type)] as const, ...names]) {
      if (isReservedWord(name) || unusableNames.has(name)) {
        report(problems, of, `cannot be generated, since "${name}" can name no type in TypeScript: rename it`);
      }
    }
    for (const field of type.kind === "message" ? type.fields : []) {
      const problem = miscoded(field);
      if (problem !== undefined) report(problems, field, problem);
      const warning = careful(field);
      if (warning !== undefined) report(warnings, field, warning);
      if (hasLostPresence(field)) editions.add(type.file.proto.name);
    }
  }
  for (const name of editions) warnings.push(`${name}: ${lostPresence}`);
  return { problems, warnings };
}

/** What ts-proto encodes otherwise than the contract says. */
function miscoded(field: DescField): string | undefined {
  if (field.parent.file.edition < Edition.EDITION_2023) return undefined;
  if ("delimitedEncoding" in field && field.delimitedEncoding) {
    return "would be encoded with its length in front: remove features.message_encoding = DELIMITED";
  }
  const { defaultValue } = field.proto;
  if (!["", "0", "false"].includes(defaultValue)) {
    return `would be read as zero where it is unset: remove default = ${defaultValue}`;
  }
  return undefined;
}

function careful(field: DescField): string | undefined {
  if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) {
    return "is required, but is not sent while it is zero: make it optional, which is the same on the wire";
  }
  if (field.name.replace(/_(.)/g, (_, next: string) => next.toUpperCase()) in {}) {
    return "is called as a property of every JavaScript object: never leave it out of a message that you send";
  }
  return undefined;
}

const lostPresence =
  "fields of an edition are generated without presence, so that unset and zero are the same: " +
  'say so with "option features.field_presence = IMPLICIT;"';

function hasLostPresence(field: DescField): boolean {
  const isPlain = (field.fieldKind === "scalar" || field.fieldKind === "enum") && field.oneof === undefined;
  const isEdition = field.parent.file.edition >= Edition.EDITION_2023;
  return isEdition && isPlain && field.presence === FeatureSet_FieldPresence.EXPLICIT;
}

function reachable(files: readonly DescFile[]): Set<DescMessage | DescEnum> {
  const found = new Set<DescMessage | DescEnum>();
  const queue: (DescMessage | DescEnum | undefined)[] = files
    .flatMap((file) => file.services)
    .flatMap((service) => service.methods)
    .flatMap((method) => [method.input, method.output]);
  for (const type of queue) {
    if (type === undefined || found.has(type)) continue;
    found.add(type);
    if (type.kind === "message") queue.push(...type.fields.flatMap((field) => [field.message, field.enum]));
  }
  return found;
}

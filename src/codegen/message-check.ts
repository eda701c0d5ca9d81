import { type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { Edition, FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { isGroup } from "./groups.ts";
import { fieldProperty } from "./names.ts";
import { hasPresence } from "./presence.ts";
import { renamedServices, renamedTypes } from "./rename-report.ts";
import type { Renames } from "./renames.ts";
import { type Declaration, nameOf, placeOf } from "./source.ts";
import { messagesOf } from "./used-files.ts";

/** Where the code that ts-proto makes of messages is not what their contract says. */
export interface MessageReport {
  /** Code that does not compile, or bytes that others read differently. */
  readonly problems: readonly string[];
  /** What holds only with care. */
  readonly warnings: readonly string[];
}

/**
 * Looks at every message of these files, whether a service sends it or not: a line for each problem, and a line for each
 * file and kind of warning.
 * @param kept true where ts-proto is run by this plugin, and presence is kept (`writePresence`)
 */
export function checkMessages(files: Iterable<DescFile>, renames: Renames, kept: boolean): MessageReport {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const file of files) {
    const messages = messagesOf(file);
    const fields = messages.flatMap((message) => message.fields);
    const renamed = renamedTypes(file, renames);
    for (const of of [...messages, ...fields]) {
      const problem = of.kind === "field" ? miscoded(of) : isMessageSet(of) ? messageSet : undefined;
      if (problem !== undefined && !kept) problems.push(`${placeOf(of)}: ${nameOf(of)} ${problem}`);
    }
    if (!kept) problems.push(...[...renamed].filter(([of]) => !isNameOfEveryObject(of)).map(unnamed));
    const warn = (concerned: readonly Declaration[], text: string, shown = nameOf) => {
      const [first] = concerned;
      if (first !== undefined) warnings.push(`${placeOf(first)}: ${listed(concerned.map(shown))}: ${text}`);
    };
    const inCode = new Map([...(kept ? renamed : []), ...renamedServices(file)]);
    warn([...inCode.keys()], otherName, (of) => `${nameOf(of)} is ${inCode.get(of)}`);
    if (!kept) warn(fields.filter(losesPresence), lostPresence);
    warn(fields.filter(isRequired), required);
    if (kept) warn(fields.filter(hasDefault), declaredDefault);
    warn(messages.filter(isExtensible), extended);
    if (!kept) warn(fields.filter(isNameOfEveryObject), everyObject);
  }
  return { problems, warnings };
}

const withPlugin = "let this plugin run ts-proto (messages=ts-proto)";
const messageSet = `is a MessageSet, which ts-proto cannot decode by itself: ${withPlugin}, which leaves its extensions out`;
const lostPresence =
  "a field set to its default is not sent, and reads as if it were set when it is not, in what ts-proto makes by itself: " +
  "let this plugin run it (messages=ts-proto), which keeps them apart";
const required = "required, but messages are sent and taken without: set them always, or others refuse the message";
const declaredDefault =
  "where they are unset they are undefined, not what [default] says: fill it in where you read them";
const extended = "extensions of them are dropped when they are decoded, and so not passed on";
const otherName =
  "so called in code, where TypeScript or something else has the name; on the wire and in JSON they keep their own";
const everyObject = "called as a property of every JavaScript object: never leave them out of a message that you send";

/** Defaults that are what an unset field reads as anyhow. */
const zeros = ["", "0", "false"];

/** What ts-proto by itself encodes otherwise than the contract says, or makes code of that does not run. */
function miscoded(field: DescField): string | undefined {
  if (isGroup(field)) return `is a group, which ts-proto cannot encode or decode by itself: ${withPlugin}`;
  const { defaultValue } = field.proto;
  if (zeros.includes(defaultValue)) return undefined;
  const instead = `remove default = ${defaultValue}, or ${withPlugin}`;
  if (isEdition(field)) return `would be read as zero where it is unset: ${instead}`;
  if (field.scalar === ScalarType.BYTES) return `would be read as empty where it is unset: ${instead}`;
  const isNumber = field.scalar === ScalarType.DOUBLE || field.scalar === ScalarType.FLOAT;
  return isNumber && /inf|nan/i.test(defaultValue) ? `would become code that does not run: ${instead}` : undefined;
}

function isEdition({ parent }: DescField): boolean {
  return parent.file.edition >= Edition.EDITION_2023;
}

function losesPresence(field: DescField): boolean {
  return field.parent.file.edition !== Edition.EDITION_PROTO3 && hasPresence(field);
}

function isRequired({ presence }: DescField): boolean {
  return presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
}

function hasDefault({ proto }: DescField): boolean {
  return !zeros.includes(proto.defaultValue);
}

function isNameOfEveryObject({ kind, name }: Declaration): boolean {
  return kind === "field" && fieldProperty(name) in {};
}

function isMessageSet({ proto }: DescMessage): boolean {
  return proto.options?.messageSetWireFormat ?? false;
}

function isExtensible({ proto }: DescMessage): boolean {
  return proto.extensionRange.length > 0;
}

const mostListed = 3;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostListed).join(", ");
  return names.length > mostListed ? `${shown} and ${names.length - mostListed} more` : shown;
}

function unnamed([of, name]: readonly [Declaration, string]): string {
  const how = `rename it, or let this plugin run ts-proto (messages=ts-proto), which calls it ${name}`;
  return `${placeOf(of)}: ${nameOf(of)} has no name in the code that ts-proto makes by itself: ${how}`;
}

import type { DescEnum, DescEnumValue, DescField, DescFile, DescMessage, DescOneof } from "@bufbuild/protobuf";
import { freeName, safeName } from "./free-name.ts";
import { fieldProperty, isReservedWord, typeExport } from "./names.ts";
import { messagesOf } from "./used-files.ts";

/** What has a name in the code of messages. */
export type Renamed = DescMessage | DescEnum | DescEnumValue | DescField | DescOneof;

/** By what it is of: what ts-proto has to be told that it is called, where its own name gives no code that works. */
export type Renames = ReadonlyMap<Renamed, string>;

/** What TypeScript lets nobody call a type, or takes for a part of one. */
const typeWords = new Set(
  "any as bigint boolean infer keyof never number object readonly string symbol undefined unique unknown".split(" "),
);

/** What a module may not be given in place of the loader's, and what ts-proto's code needs for itself, its locals last. */
const codeNames = new Set(
  (
    "Array BigInt BinaryReader BinaryWriter Builtin DeepPartial Map MessageFns Partial ReadonlyArray Uint8Array exports " +
    "protobufFileName protobufPackage require acc base e end end2 input key length m message previousRecursionDepth " +
    "reader tag v value writer"
  ).split(" "),
);

/** Of these an object of an enum's values would keep none, or another. */
const enumWords = new Set(["__proto__", "UNRECOGNIZED"]);

/** Finds names that TypeScript cannot have, or that become the same in it. The first of these keeps it. */
export function findRenames(files: Iterable<DescFile>): Renames {
  const renames = new Map<Renamed, string>();
  for (const file of files) {
    const types = typesOf(file);
    nameTypes(types, renames);
    for (const type of types) {
      if (type.kind === "message") nameFields(type, renames);
      else nameAll(type.values, isReservedValue, (name) => name, renames);
    }
  }
  return renames;
}

/** Messages, then enums, those in messages too. */
export function typesOf(file: DescFile): (DescMessage | DescEnum)[] {
  const messages = messagesOf(file);
  return [...messages, ...file.enums, ...messages.flatMap(({ nestedEnums }) => nestedEnums)];
}

/** The property that a field or a oneof becomes. */
export function propertyOf(of: DescField | DescOneof, renames: Renames): string {
  return fieldProperty(renames.get(of) ?? of.name);
}

/** What a type is called as ts-proto exports it. */
export function exportedAs(type: DescMessage | DescEnum, renames: Renames): string {
  return typeExport(type, (each) => renames.get(each) ?? each.name);
}

function nameTypes(types: readonly (DescMessage | DescEnum)[], renames: Map<Renamed, string>): void {
  const taken = new Set<string>();
  for (const type of types) {
    const becomes = (name: string) =>
      typeExport(type, (each) => (each === type ? name : (renames.get(each) ?? each.name)));
    note(type, freeName(safeName(type.name, isReservedType, becomes), taken, becomes), renames);
    if (type.kind === "enum") continue;
    // The entries of maps are types as well.
    for (const { proto } of type.fields.filter(({ fieldKind }) => fieldKind === "map")) {
      taken.add(`${exportedAs(type, renames)}_${fieldProperty(proto.typeName.split(".").at(-1) ?? "")}`);
    }
  }
}

function isTypeWord(name: string): boolean {
  return isReservedWord(name) || typeWords.has(name);
}

/** ts-proto declares a function `createBaseM` beside each message M, and a const `entry1` for the entries of a map. */
function isReservedType(name: string): boolean {
  return isTypeWord(name) || codeNames.has(name) || /^(createBase|entry\d+$)/.test(name);
}

/** Each value is a type in its enum's namespace. */
function isReservedValue(name: string): boolean {
  return isTypeWord(name) || enumWords.has(name);
}

/** A property of every object is found where a message lacks it; `toJSON` is that of messages that hold a bigint. */
function isReservedProperty(name: string): boolean {
  return name in {} || name === "toJSON";
}

function nameFields(message: DescMessage, renames: Map<Renamed, string>): void {
  const plain = message.fields.filter(({ oneof }) => oneof === undefined);
  nameAll([...plain, ...message.oneofs], isReservedProperty, fieldProperty, renames);
  for (const { fields } of message.oneofs) nameAll(fields, () => false, fieldProperty, renames);
}

function nameAll(
  all: readonly Renamed[],
  isReserved: (made: string) => boolean,
  becomes: (name: string) => string,
  renames: Map<Renamed, string>,
): void {
  const taken = new Set<string>();
  for (const each of all) note(each, freeName(safeName(each.name, isReserved, becomes), taken, becomes), renames);
}

function note(of: Renamed, name: string, renames: Map<Renamed, string>): void {
  if (name !== of.name) renames.set(of, name);
}

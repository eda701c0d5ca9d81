import { type DescEnum, type DescFile, type DescMessage, toBinary } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse_File,
  type DescriptorProto,
  type EnumDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { mistakable, tellApart } from "./aliases.ts";
import { quoted } from "./literal.ts";
import { fieldProperty } from "./names.ts";
import { ownPaths, type Paths, withoutEnding } from "./paths.ts";
import { type Renames, typesOf } from "./renames.ts";

/** Has what ts-proto made of a renamed request say again what the contract calls its messages and files. */
export type Restore = (file: CodeGeneratorResponse_File) => void;

/** Words that occur nowhere in a request, a comment included, each for what ts-proto makes something of. */
interface StandIns {
  /** For `$`, which it takes for no part of a name. */
  readonly dollar: string;
  /** For a dot in a path, which it and its libraries take for the beginning of the ending. */
  readonly dot: string;
  /** For nothing, behind the name of a type that it might give to another as well. */
  readonly mark: string;
}

/**
 * Renames in a request what has no name in TypeScript: ts-proto makes its names of those that it is sent, and knows no
 * rule for what gives none.
 * @param files of that request
 */
export function rename(request: CodeGeneratorRequest, files: readonly DescFile[], renames: Renames): Restore {
  const standIns = findStandIns(request);
  const { dollar, dot, mark } = standIns;
  const typeNames = renameTypes(files, renames, standIns);
  const fileNames = renameFiles(request, ownPaths(files), standIns);
  const restoreText = (text: string): string =>
    text
      .replaceAll(mark, "")
      .replaceAll(dot, ".")
      .replaceAll(dollar, () => "$");
  return (file) => {
    const own = fileNames.get(file.name.replace(/\.ts$/, ".proto"));
    file.name = restoreText(file.name);
    file.content = restoreText(tellApart(file.content, mark, dollar)).replace(
      typeName,
      (_, before: string, name: string) => before + (typeNames.get(name) ?? name),
    );
    if (own === undefined) return;
    file.content = file.content
      .replace(/^\/\/ source: .*/m, () => `// source: ${own}`)
      .replace(/^(export const protobufFileName =\s+)".*"/m, (_, before: string) => before + quoted(own));
  };
}

/** Where ts-proto writes the full name of a message. */
const typeName = /((?:\$type: |MessageFns<\s*[\w$]+,\s*)")([^"]+)/g;

function findStandIns(request: CodeGeneratorRequest): StandIns {
  const all = Buffer.from(toBinary(CodeGeneratorRequestSchema, request));
  const unused = (word: string): string => (all.includes(word) ? unused(`${word}q`) : word);
  return { dollar: unused("Dollarq"), dot: unused("Dotq"), mark: unused("Markq") };
}

/** Returns what was renamed: the contract's full names of types, by those that they have in code. */
function renameTypes(
  files: readonly DescFile[],
  renames: Renames,
  { dollar, mark }: StandIns,
): ReadonlyMap<string, string> {
  const marked = mistakable(files, renames);
  const names = new Map<object, string>();
  for (const of of new Set([...renames.keys(), ...marked])) {
    const name = renames.get(of) ?? of.name;
    // Camel case at once: ts-proto would take the capital of a stand-in for one of the name's.
    const camel = of.kind === "enum_value" ? name : fieldProperty(name);
    names.set(of.proto, camel.replaceAll("$", dollar) + (marked.has(of as DescMessage | DescEnum) ? mark : ""));
  }
  if (names.size === 0) return new Map();
  const seen = new Map<string, string>();
  function see(types: readonly (DescriptorProto | EnumDescriptorProto)[], around: string, seenAround: string): void {
    for (const type of types) {
      const own = `${around}.${type.name}`;
      const other = `${seenAround}.${names.get(type) ?? type.name}`;
      if (own !== other) seen.set(own, other);
      if ("nestedType" in type) see([...type.nestedType, ...type.enumType], own, other);
    }
  }
  for (const { proto } of files) {
    const around = proto.package && `.${proto.package}`;
    see([...proto.messageType, ...proto.enumType], around, around);
  }
  for (const { proto } of files) for (const message of proto.messageType) referTo(message, seen);
  for (const file of files) for (const each of withNames(file)) each.name = names.get(each) ?? each.name;
  return new Map(
    [...seen].map(([own, other]) => [other.slice(1).replaceAll(mark, "").replaceAll(dollar, "$"), own.slice(1)]),
  );
}

function withNames(file: DescFile): { name: string }[] {
  return typesOf(file).flatMap((type) =>
    [type, ...(type.kind === "enum" ? type.values : [...type.fields, ...type.oneofs])].map(({ proto }) => proto),
  );
}

function referTo({ field, nestedType }: DescriptorProto, seen: ReadonlyMap<string, string>): void {
  for (const each of field) each.typeName = seen.get(each.typeName) ?? each.typeName;
  for (const each of nestedType) referTo(each, seen);
}

/** Returns what was renamed: the contract's names of files, by those that ts-proto sees. */
function renameFiles(
  request: CodeGeneratorRequest,
  paths: Paths,
  { dollar, dot }: StandIns,
): ReadonlyMap<string, string> {
  const seen = new Map<string, string>();
  for (const [name, path] of paths) {
    const other = path.replaceAll("$", dollar).replaceAll(".", dot);
    if (other !== withoutEnding(name)) seen.set(name, `${other}.proto`);
  }
  if (seen.size === 0) return seen;
  const rename = (name: string): string => seen.get(name) ?? name;
  request.fileToGenerate = request.fileToGenerate.map(rename);
  for (const proto of request.protoFile) {
    proto.name = rename(proto.name);
    proto.dependency = proto.dependency.map(rename);
  }
  return new Map([...seen].map(([own, other]) => [other, own]));
}

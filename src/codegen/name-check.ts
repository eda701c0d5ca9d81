import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { printable } from "../core/printable.ts";
import { tsProtoPath, withoutEnding } from "./paths.ts";

/**
 * Finds names that no compiler lets through: of names are made paths in the output folder, imports and identifiers, here
 * and in ts-proto, and whoever sends a descriptor may have written anything into them. What may hold any text (comments,
 * JSON names, defaults of strings, options) is not looked at: it is written in quotes, or in comments that it cannot end.
 * @returns a line for each, which names the file
 */
export function checkNames(files: readonly FileDescriptorProto[]): string[] {
  const problems: string[] = [];
  for (const file of files) {
    if (!isFileName(file.name)) {
      problems.push(`${quoted(file.name)} names no .proto file: ${fileNameRule}`);
      continue;
    }
    const no: Report = (what, text, rule = nameRule) => {
      problems.push(`${file.name}: ${quoted(text)} is no name of ${what}: ${rule}`);
    };
    if (file.package !== "" && !file.package.split(".").every(isName)) no("a package", file.package);
    for (const message of file.messageType) checkMessage(message, no);
    for (const each of file.enumType) checkEnum(each, no);
    for (const extension of file.extension) checkField(extension, no);
    for (const service of file.service) {
      if (!isName(service.name)) no("a service", service.name);
      for (const { name } of service.method) if (!isName(name)) no("a method", name);
    }
  }
  return problems;
}

type Report = (what: string, text: string, rule?: string) => void;

const nameRule = "give letters, digits and underscores, no digit first";
const fileNameRule =
  'give a path within the output folder, its parts of letters, digits, spaces and "_-+.,@~=()", none of them "." or ".."';

function isName(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text);
}

/** The name and what becomes of it: `..proto./x.proto` is a path within the folder until ts-proto takes off its first ending. */
function isFileName(name: string): boolean {
  return [name, withoutEnding(name), tsProtoPath(name)].every((path) => path.split("/").every(isFolderName));
}

function isFolderName(text: string): boolean {
  return /^[\p{L}\p{M}\p{N} _\-+.,@~=()]+$/u.test(text) && !/^\.{1,2}$/.test(text.trim());
}

function checkMessage(message: DescriptorProto, no: Report): void {
  if (!isName(message.name)) no("a message", message.name);
  for (const field of [...message.field, ...message.extension]) checkField(field, no);
  for (const { name } of message.oneofDecl) if (!isName(name)) no("a oneof", name);
  for (const nested of message.nestedType) checkMessage(nested, no);
  for (const each of message.enumType) checkEnum(each, no);
}

function checkEnum({ name, value }: EnumDescriptorProto, no: Report): void {
  if (!isName(name)) no("an enum", name);
  for (const each of value) if (!isName(each.name)) no("an enum's value", each.name);
}

function checkField({ name, type, defaultValue }: FieldDescriptorProto, no: Report): void {
  if (!isName(name)) no("a field", name);
  if (defaultValue === "" || isDefault(defaultValue, type)) return;
  no("a value", defaultValue, `it is the default of the field ${quoted(name)}`);
}

/** As compilers write the default of a field of this type. */
function isDefault(text: string, type: FieldDescriptorProto_Type): boolean {
  const { STRING, BYTES, ENUM, BOOL, FLOAT, DOUBLE } = FieldDescriptorProto_Type;
  if (type === STRING || type === BYTES) return true;
  if (type === ENUM) return isName(text);
  if (type === BOOL) return text === "true" || text === "false";
  if (type !== FLOAT && type !== DOUBLE) return /^-?\d+$/.test(text);
  return /^-?(inf|nan|\d+(\.\d*)?(e[+-]?\d+)?)$/i.test(text);
}

const mostShown = 100;

/** In quotes, on one line, and not endless. */
function quoted(text: string): string {
  return printable(JSON.stringify(text.length <= mostShown ? text : `${text.slice(0, mostShown)}…`));
}

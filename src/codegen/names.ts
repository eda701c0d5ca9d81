import type { DescEnum, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { freeName, safeName } from "./free-name.ts";

const reservedWords = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function globalThis if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);

/** True for a word that can name neither a const nor a type in an ES module. */
export function isReservedWord(name: string): boolean {
  return reservedWords.has(name);
}

/** Names that TypeScript lets no module give to a const. */
const reservedConsts = new Set(["undefined", "__esModule", "exports", "require"]);

/**
 * Names that an object has or that mean something on it. A client with a method `then` could not be awaited, and an
 * implementation that lacks `toString` would be found to have one.
 */
const reservedProperties = new Set([...Object.getOwnPropertyNames(Object.prototype), "then", "toJSON", "prototype"]);

function isReservedProperty(name: string): boolean {
  return reservedProperties.has(name);
}

/** The const that a service is exported as: its own name, `delete$` for a reserved word. */
export function serviceConst({ name }: DescService): string {
  return isReservedWord(name) || reservedConsts.has(name) ? `${name}$` : name;
}

/**
 * The properties that a service's methods become, in the order of the methods: `SayHello` and `say_hello` become
 * `sayHello`. Of two that become the same the second has `$1` added; `ToString` becomes `toString$`.
 */
export function methodProperties(methods: readonly DescMethod[]): string[] {
  const taken = new Set<string>();
  return methods.map(({ name }) => freeName(safeName(lowerCamel(name), isReservedProperty), taken));
}

/** `say_hello` and `SayHello` to `sayHello`; a name that has no letter to begin with stays as it is. */
function lowerCamel(name: string): string {
  const camel = name.replace(/_+([a-zA-Z0-9]?)/g, (_, next: string) => next.toUpperCase());
  return /^[a-zA-Z]/.test(camel) ? camel.charAt(0).toLowerCase() + camel.slice(1) : name;
}

/**
 * The name under which ts-proto exports a message or an enum: `Outer.Inner_one` is `Outer_InnerOne`.
 * @param own what it is told that the type is called, within those around it
 */
export function typeExport(type: DescMessage | DescEnum, own: (type: DescMessage | DescEnum) => string): string {
  const name = nestedName(type, own);
  return name === "Date" || name === "Function" ? `${name}Message` : name;
}

function nestedName(type: DescMessage | DescEnum, own: (type: DescMessage | DescEnum) => string): string {
  const name = fieldProperty(own(type));
  return type.parent === undefined ? name : `${nestedName(type.parent, own)}_${name}`;
}

/** The property that ts-proto makes of a field or a oneof: `some_name` is `someName`. */
export function fieldProperty(name: string): string {
  if (!name.includes("_")) return name;
  const words = /[a-z]/.test(name) ? name.split("_") : name.toLowerCase().split("_");
  return words.map((word, i) => (i === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join("");
}

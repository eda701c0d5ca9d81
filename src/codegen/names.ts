import type { DescEnum, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";

// `$` cannot stand in a proto name, so a name that ends in it collides with no other.

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

/**
 * Names that an object has or that mean something on it. A client with a method `then` could not be awaited, and an
 * implementation that lacks `toString` would be found to have one.
 */
const reservedProperties = new Set([...Object.getOwnPropertyNames(Object.prototype), "then", "toJSON", "prototype"]);

/** The const that a service is exported as: its own name, `delete$` for a reserved word. */
export function serviceConst(service: DescService): string {
  return isReservedWord(service.name) ? `${service.name}$` : service.name;
}

/**
 * The properties that a service's methods become, in the order of the methods: `SayHello` and `say_hello` become
 * `sayHello`. Of two that become the same the second has `$1` added; `ToString` becomes `toString$`.
 */
export function methodProperties(methods: readonly DescMethod[]): string[] {
  const taken = new Set<string>();
  return methods.map(({ name }) => {
    const camel = lowerCamel(name);
    const safe = reservedProperties.has(camel) ? `${camel}$` : camel;
    let free = safe;
    for (let n = 1; taken.has(free); n++) free = `${safe}$${n}`;
    taken.add(free);
    return free;
  });
}

/** `say_hello` and `SayHello` to `sayHello`; a name that has no letter to begin with stays as it is. */
function lowerCamel(name: string): string {
  const camel = name.replace(/_+([a-zA-Z0-9]?)/g, (_, next: string) => next.toUpperCase());
  return /^[a-zA-Z]/.test(camel) ? camel.charAt(0).toLowerCase() + camel.slice(1) : name;
}

/** The name under which ts-proto exports a message or an enum: `Outer.Inner_one` is `Outer_InnerOne`. */
export function typeExport(type: DescMessage | DescEnum): string {
  const name = nestedName(type);
  return name === "Date" || name === "Function" ? `${name}Message` : name;
}

/** The property that ts-proto makes of a field or a oneof: `some_name` is `someName`. */
export function fieldProperty(name: string): string {
  return name.includes("_") ? snakeToCamel(name) : name;
}

function nestedName({ name, parent }: DescMessage | DescEnum): string {
  const own = fieldProperty(name);
  return parent === undefined ? own : `${nestedName(parent)}_${own}`;
}

function snakeToCamel(name: string): string {
  const words = /[a-z]/.test(name) ? name.split("_") : name.toLowerCase().split("_");
  return words.map((word, i) => (i === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join("");
}

/** The path of a `.proto` without its ending, from which the names of the generated files are made. */
export function modulePath(protoPath: string): string {
  // As ts-proto does it, which takes the first; a name of which that makes another place is refused.
  return protoPath.replace(".proto", "");
}

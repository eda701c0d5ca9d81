import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/**
 * What ts-proto made of messages, where `JSON.stringify` takes those that hold a bigint, which JSON has no form for, or a
 * Map, of which it would leave nothing: they get a prototype with a `toJSON`. To make them by a function costs what a
 * literal costs, while a property of their own that nobody sees takes a third of a microsecond. `constructor` is that of
 * every object, so that what compares or asks for plain objects (Node's asserts, vitest, immer, lodash) takes them for such.
 * @param types by their full names, each whose code may be in `content`
 */
export function stringable(content: string, types: ReadonlyMap<string, DescMessage>): string {
  const changed = content.replace(
    /function createBase([\w$]+)\(\): [\w$]+ \{\n {2}return \{([^{}]*(?:\{\}[^{}]*)*)\};\n\}\n(?=\nexport const [\w$]+: MessageFns<[^>]*?"([^"]+)")/g,
    (code, name: string, literal: string, typeName: string) => {
      const type = types.get(typeName);
      return type?.fields.some(needsText) ? withPrototype(code, name, literal) : code;
    },
  );
  return changed === content ? content : changed.replace(/\n(?=const \$new|function createBase)/, `\n${helpers}\n`);
}

// No name in a .proto file has a `$`.
const helpers = `/** A message as it stands, with each bigint as text and each Map as an object. */
function $text(value: any, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (depth === 0 || typeof value !== "object" || value === null || typeof value.toJSON === "function") return value;
  if (globalThis.ArrayBuffer.isView(value)) return value;
  if (globalThis.Array.isArray(value)) return value.map((item) => $text(item, 0));
  const entries = value instanceof globalThis.Map ? [...value] : globalThis.Object.entries(value);
  return globalThis.Object.fromEntries(entries.map(([key, item]) => [key, $text(item, depth - 1)]));
}

function $stringable<T>(create: (this: T) => void): new () => T {
  const hidden = (value: unknown) => ({ value, writable: true, configurable: true });
  create.prototype = globalThis.Object.defineProperties({}, {
    constructor: hidden(globalThis.Object),
    toJSON: hidden(function (this: object) {
      return $text({ ...this }, 2);
    }),
  });
  return create as any;
}
`;

function withPrototype(code: string, name: string, literal: string): string {
  const fields = literal
    .split(",")
    .map((field) => field.trim())
    .filter(Boolean)
    .map((field) => /^([\w$]+): (.+)$/.exec(field) ?? []);
  if (fields.some(([, key]) => key === undefined || key === "__proto__")) return code;
  const body = fields.map(([, key, value]) => `  this.${key} = ${value};\n`).join("");
  return `const $new${name} = /* @__PURE__ */ $stringable<${name}>(function () {
${body}});

function createBase${name}(): ${name} {
  return new $new${name}();
}
`;
}

const texts: ReadonlySet<ScalarType | undefined> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

/** A field of which ts-proto makes a bigint, or a Map. */
function needsText(field: DescField): boolean {
  if (field.fieldKind === "map" && (texts.has(field.mapKey) || field.mapKey === ScalarType.BOOL)) return true;
  return texts.has(field.scalar) || /^google\.protobuf\.U?Int64Value$/.test(field.message?.typeName ?? "");
}

import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import { propertyOf, type Renames } from "./renames.ts";

/**
 * What ts-proto made of messages, changed where it would lose what a message may hold: a map's key "__proto__", -0, a
 * oneof that says its case and leaves the value out, a field that is called as a property of every object. And a packed
 * field whose last number runs over its end is refused.
 * @param types by their full names, each whose code may be in `content`
 */
export function lossless(content: string, types: ReadonlyMap<string, DescMessage>, renames: Renames): string {
  const changed = content
    .replace(/\$type: "([^"]+)" as const,[\s\S]*?\n\};\n/g, (code, name: string) =>
      codecOf(code, types.get(name), renames),
    )
    .replace(/(\bFieldMask[\w$]*\.wrap\(message\.[\w$]+\.value)\)/g, "$1 ?? [])")
    .replace(/^( +)(struct\.fields|object)\[key\] = (.+);$/gm, "$1$$setEntry($2, key, $3);");
  const needed = helpers.filter(({ name }) => changed.includes(name)).map(({ code }) => code);
  return changed.replace(/\nfunction createBase/, (found) => `${needed.map((code) => `\n${code}`).join("")}${found}`);
}

// No name in a .proto file has a `$`.
const helpers = [
  {
    name: "$setEntry",
    code: `function $setEntry<T>(map: { [key: string]: T }, key: string, value: T): void {
  if (key !== "__proto__") {
    map[key] = value;
    return;
  }
  globalThis.Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}
`,
  },
  {
    name: "$overrun",
    code: `function $overrun(): globalThis.Error {
  return new globalThis.Error("a packed field runs over its end");
}
`,
  },
];

function codecOf(code: string, type: DescMessage | undefined, renames: Renames): string {
  return [keepNegativeZero, keepEveryKey, endPackedFields, fillCases].reduce(
    (changed, change) => change(changed, type, renames),
    code,
  );
}

function keepNegativeZero(code: string): string {
  const written = /if \((message\.[\w$]+) !== 0\) \{(?=\s+writer\.uint32\(\d+\)\.(?:float|double)\()/g;
  return code.replace(written, "if (!globalThis.Object.is($1, 0)) {");
}

function keepEveryKey(code: string, type: DescMessage | undefined): string {
  return code
    .replace(/(message\.[\w$]+)\[(entry(\d+))\.key\] = \2\.value;/g, (found, map, entry, number) => {
      const field = type?.fields.find((field) => field.number === Number(number));
      if (field?.fieldKind === "map" && field.mapKey !== ScalarType.STRING) return found;
      return `$setEntry(${map}, ${entry}.key, ${entry}.value);`;
    })
    .replace(/\bacc\[key\] = ([\s\S]*?);\n/g, "$$setEntry(acc, key, $1);\n");
}

function endPackedFields(code: string): string {
  return code.replace(
    /while \(reader\.pos < end2\) \{[\s\S]*?\n( +)\}\n/g,
    "$&$1if (reader.pos > end2) {\n$1  throw $$overrun();\n$1}\n",
  );
}

/** In `fromPartial`, which forgets the case of a oneof that has no value. */
function fillCases(code: string, type: DescMessage | undefined, renames: Renames): string {
  const named = (property: string) => (of: DescField | DescOneof) => propertyOf(of, renames) === property;
  const guarded =
    /case "([^"]+)": \{\s+if \(\s*object\.([\w$]+)\?\.value !== undefined &&\s+object\.\2\?\.value !== null\s*\) \{\s+(message\.\2 = [\s\S]*?;)\n\s+\}\n\s+break;/g;
  return code.replace(guarded, (found, name: string, oneof: string, set: string) => {
    const fields = type?.oneofs.find(named(oneof))?.fields ?? [];
    const field = fields.find(named(name));
    if (field === undefined) return found;
    const filled = set.replace(`object.${oneof}.value`, (value) => `${value} ?? ${defaultOf(field)}`);
    return `case "${name}": {\n        ${filled.replaceAll("\n  ", "\n")}\n        break;`;
  });
}

/** As an expression, what a field holds by default, in the shape that ts-proto gives it. */
function defaultOf(field: DescField): string {
  if (field.enum !== undefined) return String(field.enum.values[0]?.number ?? 0);
  if (field.scalar !== undefined) return scalarDefault(field.scalar);
  const { typeName = "", fields = [] } = field.message ?? {};
  switch (typeName) {
    case "google.protobuf.Value":
      return "null";
    case "google.protobuf.ListValue":
    case "google.protobuf.FieldMask":
      return "[]";
    default:
      return /^google\.protobuf\.\w+Value$/.test(typeName) ? scalarDefault(fields[0]?.scalar) : "{}";
  }
}

function scalarDefault(type: ScalarType | undefined): string {
  switch (type) {
    case ScalarType.STRING:
      return '""';
    case ScalarType.BYTES:
      return "new Uint8Array(0)";
    case ScalarType.BOOL:
      return "false";
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return "0n";
    default:
      return "0";
  }
}

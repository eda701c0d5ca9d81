/**
 * What ts-proto made of messages, where `fromPartial` refuses what it would lose or change in silence and no TypeScript
 * was there to refuse: a list, a `Date` or a `Map` for a message, a `Map` for an object of keys, a oneof without its case,
 * `true` for a bigint, whatever for a map's text. It says what was given; whoever called it, in which field.
 */
export function exacting(content: string): string {
  const changed = content.replace(/\$type: "([^"]+)" as const,[\s\S]*?\n\};\n/g, (code, name: string) =>
    wrapped(code).replace(/\n {2}fromPartial\([\s\S]*?\n {2}\},\n/, (made) => partial(made, name)),
  );
  const needed = new Set<Helper>();
  for (const helper of helpers) if (changed.includes(`${helper.name}(`)) need(helper, needed);
  const code = helpers.filter((helper) => needed.has(helper)).map((each) => `\n${each.code}`);
  return changed.replace(/\n(?=const \$new|function createBase)/, (found) => `${code.join("")}${found}`);
}

/** The body of a `fromPartial`. */
function partial(code: string, type: string): string {
  return code
    .replace(
      /fromPartial\(\s*(object|_): [^{]*\{\n( +)const message = createBase[\w$]+\(\);\n/,
      (found, given, indent) =>
        `${found}${indent}if (${given}?.constructor !== globalThis.Object) {\n` +
        `${indent}  $message("${type}", ${given}, message);\n${indent}}\n`,
    )
    .replace(
      /globalThis\.Object\.entries\(\s*(object\.[\w$]+) \?\? \{\},?\s*\)/g,
      "globalThis.Object.entries($record($1) ?? {})",
    )
    .replace(/\((object\.[\w$]+)( as Map<[\s\S]*?> \?\? new Map\(\)\)\.forEach)/g, "($$map($1)$2")
    .replace(/(as Map<bigint,[\s\S]*?m\.set\()key,/g, "$1$$bigint(key),")
    .replace(/(object\.[\w$]+)\?\.map\(/g, "$$list($1)?.map(")
    .replace(/\bglobalThis\.(?:String|Number|Boolean)\(value\)/g, "value")
    .replace(/\bBigInt\(/g, "$$bigint(")
    .replace(/ {4}switch \((object\.[\w$]+)\?\.\$case\) \{\n[\s\S]*?\n(?= {4}\}\n)/g, (found, oneof) => {
      const cases = [...found.matchAll(/^ {6}case ("[^"]+"):/gm)].map(([, name]) => name);
      return `${found}      default:\n        $oneof(${oneof}, [${cases.join(", ")}]);\n`;
    });
}

/** What protobuf's own types of JSON and of paths are made of is taken as it is, up to where it is written. */
function wrapped(code: string): string {
  return code
    .replace(/\bglobalThis\.Object\.keys\(object\)/g, "globalThis.Object.keys($record(object))")
    .replace('{ $case: "structValue", value };', '{ $case: "structValue", value: $record(value) };')
    .replace(/(?<=\bresult\.(?:values|paths) = )(array|paths)(?=;| \?\? \[\];)/g, "$$list($1)");
}

interface Helper {
  readonly name: string;
  readonly code: string;
}

// No name in a .proto file has a `$`.
const helpers: readonly Helper[] = [
  {
    name: "$message",
    code: `/** Refuses what is no message, and would be taken for an empty one. */
function $message(type: string, given: any, message: object): void {
  const fields = globalThis.Object.keys(message);
  const isForeign = ![undefined, "Object"].includes(given?.constructor?.name);
  if (!$isObject(given) || (isForeign && fields.length > 0 && !fields.some((field) => field in given))) {
    throw $misfit(\`a message of type \${type}\`, given, "give its fields as an object");
  }
}
`,
  },
  {
    name: "$record",
    code: `/** Refuses what is no object of keys and values, and would be taken for an empty one. */
function $record<T>(given: T): T {
  if (given === undefined || given === null || given.constructor === globalThis.Object || $isObject(given)) {
    return given;
  }
  throw $misfit("an object of keys and values", given, given instanceof globalThis.Map ? "give Object.fromEntries(map)" : "give an object");
}
`,
  },
  {
    name: "$map",
    code: `/** Refuses what is no map, and would be taken for an empty one, or for one of other keys. */
function $map<T>(given: T): T {
  if (given === undefined || given === null || typeof (given as any).get === "function") {
    return given;
  }
  throw $misfit("a map whose keys are bigints or booleans", given, "give a Map");
}
`,
  },
  {
    name: "$list",
    code: `/** Refuses what is no list. */
function $list<T>(given: T): T {
  if (
    given === undefined || given === null || globalThis.Array.isArray(given) || globalThis.ArrayBuffer.isView(given)
  ) {
    return given;
  }
  throw $misfit("a list", given, "give an array");
}
`,
  },
  {
    name: "$oneof",
    code: `/** Refuses a oneof that does not say which of its fields it holds. */
function $oneof(given: any, cases: string[]): void {
  if (given === undefined || given === null) {
    return;
  }
  const names = cases.map((name) => \`"\${name}"\`).join(" or ");
  throw $misfit("a oneof", given, \`give { $case, value }, with \${names} for the $case\`);
}
`,
  },
  {
    name: "$bigint",
    code: `/** Refuses what is no whole number. */
function $bigint(given: unknown): bigint {
  if (typeof given === "bigint") {
    return given;
  }
  if (typeof given === "number" ? globalThis.Number.isInteger(given) : typeof given === "string" && /^-?\\d+$/.test(given)) {
    return globalThis.BigInt(given as number | string);
  }
  throw $misfit("a field of 64 bits", given, "give a bigint, a whole number, or its digits");
}
`,
  },
  {
    name: "$isObject",
    code: `function $isObject(given: unknown): boolean {
  const other = /^\\[object (?:Null|Array|ArrayBuffer|Map|Set|Date|Promise|String|Number|Boolean)\\]$/;
  const kind = globalThis.Object.prototype.toString.call(given);
  return typeof given === "object" && !other.test(kind) && !globalThis.ArrayBuffer.isView(given);
}
`,
  },
  {
    name: "$misfit",
    code: `function $misfit(wanted: string, given: any, remedy: string): globalThis.TypeError {
  const shown = given === undefined || given === null ? \`\${given}\`
    : globalThis.Array.isArray(given) ? "a list"
    : typeof given === "object" ? \`an object (\${given.constructor?.name ?? "without a prototype"})\`
    : typeof given === "number" || typeof given === "boolean" ? \`the \${typeof given} \${given}\`
    : \`a \${typeof given}\`;
  return new globalThis.TypeError(\`\${wanted} was given \${shown}: \${remedy}\`);
}
`,
  },
];

/** With those that it calls in turn. */
function need(helper: Helper, needed: Set<Helper>): void {
  if (needed.has(helper)) return;
  needed.add(helper);
  for (const other of helpers) if (helper.code.includes(`${other.name}(`)) need(other, needed);
}

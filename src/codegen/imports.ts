import { posix } from "node:path";
import { quoted } from "./literal.ts";

interface Imported {
  readonly name: string;
  readonly local: string;
  readonly isType: boolean;
}

/** The imports of one generated file. Hands out local names, so that no two things are called the same. */
export interface Imports {
  /** The local name of what `module` exports as `name`: the same, or with `$1` added where that is taken. */
  use(module: string, name: string): string;
  /** As `use`, for what is only a type. */
  useType(module: string, name: string): string;
  /** The import statements, longest way from home first. */
  render(): string;
}

/** @param taken names that the file itself declares */
export function createImports(taken: readonly string[]): Imports {
  const locals = new Set(taken);
  const modules = new Map<string, Map<string, Imported>>();

  function add(module: string, name: string, isType: boolean): string {
    const names = modules.get(module) ?? new Map<string, Imported>();
    modules.set(module, names);
    const known = names.get(name);
    if (known !== undefined) return known.local;
    let local = name;
    for (let n = 1; locals.has(local); n++) local = `${name}$${n}`;
    locals.add(local);
    names.set(name, { name, local, isType });
    return local;
  }

  return {
    use: (module, name) => add(module, name, false),
    useType: (module, name) => add(module, name, true),
    render: () =>
      [...modules]
        .sort(([a], [b]) => rank(a) - rank(b) || compare(a, b))
        .map(([module, names]) => statement(module, [...names.values()]))
        .join(""),
  };
}

/** Packages, then files further up, then files beside. */
function rank(module: string): number {
  if (!module.startsWith(".")) return 0;
  return module.startsWith("../") ? 1 : 2;
}

function statement(module: string, names: readonly Imported[]): string {
  const onlyTypes = names.every(({ isType }) => isType);
  const specifiers = names
    .toSorted((a, b) => compare(a.name.toLowerCase(), b.name.toLowerCase()) || compare(a.name, b.name))
    .map(
      ({ name, local, isType }) =>
        (isType && !onlyTypes ? "type " : "") + (name === local ? name : `${name} as ${local}`),
    );
  const head = onlyTypes ? "import type" : "import";
  const line = `${head} { ${specifiers.join(", ")} } from ${quoted(module)};\n`;
  return line.length <= 121
    ? line
    : `${head} {\n${specifiers.map((each) => `  ${each},\n`).join("")}} from ${quoted(module)};\n`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** How `from` imports `to`; both are paths in the output folder without their ending. */
export function relativeImport(from: string, to: string, extension: string): string {
  const path = posix.relative(posix.dirname(from), to);
  return `${path.startsWith(".") ? path : `./${path}`}${extension}`;
}

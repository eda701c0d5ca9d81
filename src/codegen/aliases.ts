import type { DescEnum, DescFile, DescMessage } from "@bufbuild/protobuf";
import { exportedAs, type Renames, typesOf } from "./renames.ts";

/**
 * Types that are called as another with a number behind it. ts-proto gives such a name to what it imports where a file has
 * one of that name itself, and does not look whether there is a type that is called so.
 */
export function mistakable(files: readonly DescFile[], renames: Renames): Set<DescMessage | DescEnum> {
  const types = files.flatMap(typesOf);
  const names = new Set(types.map((type) => exportedAs(type, renames)));
  const isNumbered = (name: string): boolean =>
    [...(/\d+$/.exec(name)?.[0] ?? "")].some((_, i) => names.has(name.slice(0, -1 - i)));
  return new Set(types.filter((type) => isNumbered(exportedAs(type, renames))));
}

/**
 * The code with `before` in front of each name that ts-proto gave to an import and a type has already.
 * @param mark what stands behind the names of types that are mistakable
 */
export function tellApart(content: string, mark: string, before: string): string {
  const given = [...content.matchAll(/^import \{[^}]*\}/gm)].flatMap(([names]) =>
    [...names.matchAll(/ as (\w+)/g)].map(([, name = ""]) => name),
  );
  return given
    .filter((name) => content.includes(`${name.replaceAll(mark, "")}${mark}`))
    .reduce(
      (code, name) => code.replaceAll(new RegExp(`(?<![\\w."])${name}(?!\\w|\\??:)`, "g"), before + name),
      content,
    );
}

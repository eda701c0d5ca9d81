import type { DescFile } from "@bufbuild/protobuf";
import type { Layout } from "./layout.ts";
import { methodProperties, serviceConst } from "./names.ts";
import { withoutEnding } from "./paths.ts";
import { exportedAs, propertyOf, type Renamed, type Renames, typesOf } from "./renames.ts";
import type { Declaration } from "./source.ts";

/** What a file declares that has another name in code than the rule of its kind gives, and that name. */
export type Report = ReadonlyMap<Declaration, string>;

/** Of messages and enums, and what is in them. */
export function renamedTypes(file: DescFile, renames: Renames): Report {
  const all = typesOf(file).flatMap((type): Renamed[] =>
    type.kind === "enum" ? [type, ...type.values] : [type, ...type.fields, ...type.oneofs],
  );
  return new Map(all.filter((each) => renames.has(each)).map((each) => [each, nameInCode(each, renames)]));
}

/** Of services and methods. */
export function renamedServices({ services }: DescFile): Report {
  const all = new Map<Declaration, string>();
  for (const service of services) {
    all.set(service, serviceConst(service));
    for (const [i, property] of methodProperties(service.methods).entries()) {
      const method = service.methods[i];
      if (method !== undefined) all.set(method, property);
    }
  }
  return new Map([...all].filter(([, name]) => name.includes("$")));
}

/** A line for each file whose code stands elsewhere than its name says. */
export function renamedFiles(files: Iterable<DescFile>, layout: Layout): string[] {
  return [...files]
    .map((file) => ({ name: file.proto.name, path: layout.pathOf(file) }))
    .filter(({ name, path }) => path !== withoutEnding(name))
    .map(({ name, path }) => `${name}: its code is in ${path}.ts, since its own place cannot be had or is taken`);
}

function nameInCode(of: Renamed, renames: Renames): string {
  switch (of.kind) {
    case "message":
    case "enum":
      return exportedAs(of, renames);
    case "enum_value":
      return renames.get(of) ?? of.name;
    default:
      return propertyOf(of, renames);
  }
}

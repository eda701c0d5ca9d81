import type { DescFile } from "@bufbuild/protobuf";
import { freeName } from "./free-name.ts";

/** By the names of `.proto` files: their paths without their endings, from which the names of generated files are made. */
export type Paths = ReadonlyMap<string, string>;

/**
 * The paths of a request's files: their own, with `$` behind where `x.rpc.proto` would be taken for what is made of
 * `x.proto`, and `$1` where one differs from another only by case, which TypeScript does not let two files do.
 */
export function ownPaths(files: Iterable<DescFile>): Paths {
  const taken = new Set<string>();
  const lower = (path: string): string => path.toLowerCase();
  const safe = (path: string): string => (/\.(rpc|desc)$/.test(path) ? `${path}$` : path);
  // Whatever the order in which a compiler sends them.
  const names = [...files].map(({ proto }) => proto.name).sort((a, b) => (a < b ? -1 : 1));
  return new Map(names.map((name) => [name, freeName(safe(withoutEnding(name)), taken, lower)]));
}

/** The path at which ts-proto puts its own, which takes off the first `.proto` of a path, wherever it stands. */
export function tsProtoPath(name: string): string {
  return name.replace(".proto", "");
}

/** The path of a `.proto` without its ending. */
export function withoutEnding(name: string): string {
  return name.replace(/\.proto$/, "");
}

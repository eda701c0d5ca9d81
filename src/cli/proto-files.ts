import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { FileRegistry } from "@bufbuild/protobuf";
import { addCommonProtos, loadProtosWithOptionsSync } from "@grpc/proto-loader/build/src/util.js";
import { fileRegistry } from "../json/file-registry.ts";
import { wellKnownFileOf } from "../json/well-known.ts";
import { describe } from "./descriptors.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Reads `.proto` files and what they import.
 * @param paths folders that imports are looked for in; without any, those above each file up to the working directory
 * @throws UsageError that names the file, and the line where it does not parse
 */
export function readProtoFiles(files: readonly string[], paths: readonly string[]): FileRegistry {
  const found = files.map((file) => find(file, paths));
  const includeDirs = [...(paths.length > 0 ? paths : found.flatMap(foldersAbove)), trunklineProtos()];
  addCommonProtos();
  try {
    // The one that waits throws some of its errors where nobody can catch them.
    const root = loadProtosWithOptionsSync(found, { keepCase: true, includeDirs });
    return fileRegistry(describe(root, wellKnownFileOf));
  } catch (error) {
    throw new UsageError(`cannot read ${files.join(", ")}: ${explained(error as NodeJS.ErrnoException)}`);
  }
}

function find(file: string, paths: readonly string[]): string {
  const candidates = [file, ...paths.map((path) => join(path, file))];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new UsageError(`there is no file ${candidates.join(" nor ")}`);
  return resolve(found);
}

/** The file's own folder and those around it, within the working directory: one of them is what its imports start at. */
function foldersAbove(file: string): string[] {
  const folders = [dirname(file)];
  for (let folder = dirname(file); !relative(process.cwd(), folder).startsWith(".."); folder = dirname(folder)) {
    folders.push(folder);
    if (folder === process.cwd()) break;
  }
  return folders;
}

/** Where `trunkline/v1/options.proto` stands, which the contracts of Trunkline's users import. */
function trunklineProtos(): string {
  return fileURLToPath(new URL("./proto/", import.meta.resolve("trunkline/package.json")));
}

function explained({ code, path, message }: NodeJS.ErrnoException): string {
  return code === "ENOENT" ? `it imports ${path}, which is not there; give its folder with --proto-path` : message;
}

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { CodeGeneratorRequestSchema, type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { renamedServices, renamedTypes } from "../../src/codegen/rename-report.ts";
import { findRenames } from "../../src/codegen/renames.ts";
import { messagesOf } from "../../src/codegen/used-files.ts";
import { type Answer, answerTo } from "../codegen/buf.ts";
import { repository } from "../support/program.ts";
import { fetched } from "./fetch.ts";
import type { Tree } from "./trees.ts";

/** What the plugin made of a tree. */
export interface Generated {
  /** By their paths. */
  readonly files: ReadonlyMap<string, string>;
  readonly protos: number;
  readonly messages: number;
  readonly services: number;
  /** What has another name in code than the rule of its kind gives. */
  readonly renamed: number;
  /** What the plugin refused. The rest was generated without the files that it named. */
  readonly refused: readonly string[];
  readonly warnings: readonly string[];
  readonly generateMs: number;
}

/** Has buf compile a tree, and the plugin make code of it. @throws Error with what either of them says */
export async function generated(tree: Tree): Promise<Generated> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-tree-"));
  try {
    await lay(tree, folder);
    return answered(tree, compiled(tree, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function lay({ packages }: Tree, folder: string): Promise<void> {
  for (const of of packages) {
    const from = await fetched(of);
    for (const root of of.roots) {
      for (const path of readdirSync(join(from, root.from), { recursive: true, encoding: "utf8" })) {
        if (!path.endsWith(".proto")) continue;
        const to = join(folder, root.to ?? ".", path);
        if (existsSync(to)) continue;
        mkdirSync(dirname(to), { recursive: true });
        cpSync(join(from, root.from, path), to);
      }
    }
  }
}

/** The files that are to be generated, and all that they import. */
function compiled({ generate, without = [] }: Tree, folder: string): FileDescriptorSet {
  const paths = generate.includes(".") ? [] : generate.flatMap((path) => ["--path", path]);
  const options = [...paths, ...without.flatMap((path) => ["--exclude-path", path])];
  writeFileSync(join(folder, "buf.yaml"), "version: v2\n");
  const args = ["build", "--as-file-descriptor-set", "-o", "-#format=binpb", ...options];
  const buf = join(repository, "node_modules/.bin/buf");
  const { status, stdout, stderr } = spawnSync(buf, args, { cwd: folder, maxBuffer: Number.POSITIVE_INFINITY });
  if (status !== 0) throw new Error(`buf build: ${stderr.toString().slice(0, 3_000)}`);
  return fromBinary(FileDescriptorSetSchema, stdout);
}

function answered({ generate, without = [] }: Tree, { file }: FileDescriptorSet): Generated {
  const isIn = (name: string, folders: readonly string[]): boolean =>
    folders.some((folder) => folder === "." || name.startsWith(`${folder}/`));
  const names = file.map(({ name }) => name).filter((name) => isIn(name, generate) && !isIn(name, without));
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: names,
    protoFile: file,
    parameter: "messages=ts-proto",
  });
  const startedAt = performance.now();
  let answer = answerTo(request);
  const generateMs = performance.now() - startedAt;
  const refused = answer.error === "" ? [] : answer.error.split("\n");
  if (refused.length > 0) answer = withoutRefused();
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
  const files = names.flatMap((name) => registry.getFile(name) ?? []);
  const renames = findRenames(registry.files);
  return {
    files: answer.files,
    protos: names.length,
    messages: files.flatMap(messagesOf).length,
    services: files.flatMap((each) => each.services).length,
    renamed: files.reduce((sum, each) => sum + renamedTypes(each, renames).size + renamedServices(each).size, 0),
    refused,
    warnings: answer.warnings,
    generateMs,
  };

  function withoutRefused(): Answer {
    const bad = new Set(refused.map((line) => line.split(":")[0]));
    request.fileToGenerate = names.filter((name) => !bad.has(name));
    const rest = answerTo(request);
    if (rest.error !== "") throw new Error(`refused even without what was refused: ${rest.error.slice(0, 3_000)}`);
    return rest;
  }
}

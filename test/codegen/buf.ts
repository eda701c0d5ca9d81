import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary } from "@bufbuild/protobuf";
import { type CodeGeneratorRequest, CodeGeneratorRequestSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { generate } from "../../src/codegen/generate.ts";

/** The folder of this repository. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A folder of `.proto` files, or their contents by their paths. trunkline/v1/options.proto is added. */
export type Protos = string | Readonly<Record<string, string>>;

const bin = join(root, "node_modules", ".bin");
const plugin = [process.execPath, join(root, "src/codegen/main.ts")];

export interface Generated {
  readonly exitCode: number | null;
  readonly stderr: string;
  /** By their paths. */
  readonly files: ReadonlyMap<string, string>;
}

/** Runs `buf generate` with the plugin, as users do. */
export function bufGenerate(protos: Protos, ...opt: readonly string[]): Generated {
  return withFolder(protos, (folder) => {
    const plugins = [{ local: plugin, out: "out", strategy: "all", opt }];
    const template = JSON.stringify({ version: "v2", inputs: [{ directory: "protos" }], plugins });
    const { status, stderr } = buf(folder, "generate", "--template", template);
    return { exitCode: status, stderr: stderr.toString(), files: readTree(join(folder, "out")) };
  });
}

export interface Answer {
  /** Empty where nothing is wrong. */
  readonly error: string;
  readonly warnings: readonly string[];
  /** By their paths. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Has buf compile, and the plugin answer in this process.
 * @throws Error with what buf says, where the contract does not compile
 */
export function answer(protos: Protos, ...opt: readonly string[]): Answer {
  return withFolder(protos, (folder) => {
    const build = buf(folder, "build", "protos", "--as-file-descriptor-set", "-o", "-#format=binpb");
    if (build.status !== 0) throw new Error(build.stderr.toString());
    const own = readTree(join(folder, "protos"));
    const { file } = fromBinary(FileDescriptorSetSchema, build.stdout);
    const request = create(CodeGeneratorRequestSchema, {
      fileToGenerate: file.map(({ name }) => name).filter((name) => own.has(name)),
      protoFile: file,
      parameter: opt.join(","),
    });
    return answerTo(request);
  });
}

/** What the plugin answers, in this process. */
export function answerTo(request: CodeGeneratorRequest): Answer {
  const warnings: string[] = [];
  const response = generate(request, (text) => warnings.push(text));
  return {
    error: response.error,
    warnings,
    files: new Map(response.file.map(({ name, content }) => [name, content])),
  };
}

function buf(cwd: string, ...args: readonly string[]) {
  return spawnSync(join(bin, "buf"), args, { cwd, maxBuffer: Number.POSITIVE_INFINITY });
}

function withFolder<T>(protos: Protos, work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-codegen-"));
  try {
    const input = join(folder, "protos");
    cpSync(join(root, "proto/trunkline/v1"), join(input, "trunkline/v1"), { recursive: true });
    if (typeof protos === "string") cpSync(protos, input, { recursive: true });
    else for (const [path, text] of Object.entries(protos)) write(join(input, path), text);
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The files of a folder and what is in it; none where there is no such folder. */
export function readTree(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), readFileSync(path, "utf8"));
  }
  return files;
}

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this repository. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

const bin = join(root, "node_modules", ".bin");
const plugin = [process.execPath, join(root, "src/codegen/main.ts")];

export interface Generated {
  readonly exitCode: number | null;
  readonly stderr: string;
  /** By their paths. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Runs `buf generate` in an empty folder.
 * @param protos a folder of `.proto` files, or their contents by their paths; trunkline/v1/options.proto is added
 * @param opt the plugin's options
 */
export function generate(protos: string | Readonly<Record<string, string>>, opt: readonly string[] = []): Generated {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-codegen-"));
  try {
    const input = join(folder, "protos");
    cpSync(join(root, "proto/trunkline"), join(input, "trunkline"), { recursive: true });
    if (typeof protos === "string") cpSync(protos, input, { recursive: true });
    else for (const [path, text] of Object.entries(protos)) write(join(input, path), text);
    const plugins = [{ local: plugin, out: "out", strategy: "all", opt }];
    const template = JSON.stringify({ version: "v2", inputs: [{ directory: "protos" }], plugins });
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const run = spawnSync(join(bin, "buf"), ["generate", "--template", template], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    return { exitCode: run.status, stderr: run.stderr, files: readTree(join(folder, "out")) };
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

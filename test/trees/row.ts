import { rmSync } from "node:fs";
import { join } from "node:path";
import { tsconfig, written } from "../codegen/written.ts";
import { run } from "../support/program.ts";
import type { TypeScripts } from "../support/typescripts.ts";
import { type Generated, generated } from "./generated.ts";
import type { Tree } from "./trees.ts";

/** One line of the table: what became of a tree. */
export interface Row {
  readonly tree: string;
  readonly made: Generated | undefined;
  /** By TypeScript's version: seconds that it took, or that it failed. */
  readonly compiled: ReadonlyMap<string, string>;
  /** Files imported, messages sent. */
  readonly loaded: string;
  readonly failures: readonly string[];
}

/** The largest trees take gigabytes. */
const execArgv = ["--max-old-space-size=12288"];

/** Generates, compiles and loads a tree. What fails stands in the row. */
export async function checked(tree: Tree, typeScripts: TypeScripts, say: (text: string) => void): Promise<Row> {
  const failures: string[] = [];
  const compiled = new Map<string, string>();
  let made: Generated | undefined;
  let loaded = "-";
  const fail = (text: string): string => {
    failures.push(text.trim().slice(0, 3_000));
    say(text.trim().slice(0, 3_000));
    return "FAILED";
  };
  try {
    made = await generated(tree);
    say(`${made.protos} files, ${made.messages} messages, generated in ${seconds(made.generateMs)}`);
    const folder = written([...made.files, tsconfig]);
    try {
      for (const [version, tsc] of typeScripts.compilers) {
        const { code, stdout, stderr, ms } = await timed([...execArgv, tsc, "-p", folder]);
        compiled.set(version, code === 0 ? seconds(ms) : fail(`TypeScript ${version}: ${stdout}${stderr}`));
        say(`TypeScript ${version}: ${compiled.get(version)}`);
      }
      const load = join(import.meta.dirname, "load.ts");
      const { code, stdout, stderr, ms } = await timed([...execArgv, "--conditions=@trunkline/source", load, folder]);
      const told = code === 0 ? (JSON.parse(stdout) as { loaded: number; sent: number; failed: number }) : undefined;
      if (told?.failed !== 0) fail(`loading: ${stderr}${told === undefined ? stdout : ""}`);
      loaded = told === undefined ? "FAILED" : `${told.loaded}, ${told.sent}`;
      say(`${loaded} in ${seconds(ms)}`);
    } finally {
      if (process.env.KEEP === undefined) rmSync(folder, { recursive: true });
    }
  } catch (error) {
    fail((error as Error).message);
  }
  return { tree: tree.name, made, compiled, loaded, failures };
}

async function timed(args: readonly string[]) {
  const startedAt = performance.now();
  return { ...(await run(process.execPath, args)), ms: performance.now() - startedAt };
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

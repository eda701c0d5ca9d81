import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../support/program.ts";
import type { Package } from "./trees.ts";

/** What is fetched stays here, outside of the repository. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "trunkline-trees");

/** Brings a package, once; the folder of what is in it. @throws Error with what its registry's client says */
export async function fetched(of: Package): Promise<string> {
  if (of.client === "go") return goModule(of);
  const folder = join(cache, of.client, `${of.name.replace(/[/:]/g, "_")}@${of.version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  try {
    const unpacked = await (of.client === "npm" ? npmPackage : mavenArtifact)(of, making);
    renameSync(unpacked, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}

/** It stays in Go's own cache. */
async function goModule({ name, version }: Package): Promise<string> {
  const module = `${name}@${version}`;
  const { code, stdout, stderr } = await run("go", ["mod", "download", "-json", module], { cwd: tmpdir() });
  const told = stdout === "" ? {} : (JSON.parse(stdout) as { Dir?: string; Error?: string });
  if (code === 0 && told.Dir !== undefined) return told.Dir;
  throw new Error(`go mod download ${module}: ${told.Error ?? stderr}`);
}

async function npmPackage({ name, version }: Package, folder: string): Promise<string> {
  const packed = await said("npm", ["pack", "--silent", "--pack-destination", folder, `${name}@${version}`]);
  await said("tar", ["xzf", join(folder, packed.trim()), "-C", folder]);
  return join(folder, "package");
}

async function mavenArtifact({ name, version }: Package, folder: string): Promise<string> {
  const unpacked = join(folder, "unpacked");
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack";
  const options = [
    `-Dartifact=${name}:${version}`,
    `-DoutputDirectory=${unpacked}`,
    "-Dmdep.unpack.includes=**/*.proto",
  ];
  await said("mvn", ["-q", "-B", goal, ...options], folder);
  return unpacked;
}

async function said(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, cwd === undefined ? {} : { cwd });
  if (code === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: ${(stderr + stdout).slice(-1_500)}`);
}

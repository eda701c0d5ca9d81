import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { blocksOf, readPage } from "../support/page.ts";
import { startProgram } from "../support/program.ts";
import { createUserProject, type UserProject } from "./user-project.ts";

// The README is followed until there is generated code, and then the page on bundling, in an empty folder.
const readme = readPage("README.md");
const blocks = blocksOf(readme.slice(readme.indexOf("## Use it")));
const generated = blocks.filter(({ file, language }) => language !== "ts" || file === undefined);
const page = blocksOf(readPage("docs/bundling.md"));

let project: UserProject;
let registry: DevEtcd;
let uri: string;
beforeAll(async () => {
  project = await createUserProject();
  await project.follow([...generated, ...page]);
  registry = createDevEtcd();
  await registry.listen("127.0.0.1:0");
  uri = registry.uri as string;
}, 240_000);
afterAll(async () => {
  await registry.close();
  project.remove();
});

/** Runs the server and the client of a folder, and sees them find each other. */
async function greets(folder: string, extension: string, uri: string): Promise<void> {
  const options = { cwd: folder, env: { ...process.env, TRUNKLINE_REGISTRY: uri }, execArgv: [] };
  const server = startProgram(`server.${extension}`, [], options);
  try {
    await server.printed(/^registered /m);
    const client = startProgram(`client.${extension}`, [], options);
    expect(await client.ended).toMatchObject({ code: 0, stderr: "", stdout: "Hello you\n" });
  } finally {
    server.child.kill("SIGTERM");
  }
  expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
}

test("the page has a command for each way", () => {
  const commands = page.filter(({ language }) => language === "sh").map(({ text }) => text);
  expect(commands.map((text) => /--format=\w+|npm install/.exec(text)?.[0])).toEqual([
    "npm install",
    undefined,
    "--format=cjs",
    "--format=esm",
    "--format=esm",
  ]);
});

test("its programs type-check", async () => {
  await project.succeed("npx", "tsc");
}, 60_000);

test("what tsc makes of them runs", () => greets(join(project.folder, "dist/bundled"), "js", uri), 60_000);

test.each(["cjs", "mjs"])(
  "a .%s of the whole runs where nothing is installed",
  async (extension) => {
    const elsewhere = mkdtempSync(join(tmpdir(), "trunkline-bundle-"));
    try {
      for (const program of ["server", "client"]) {
        cpSync(join(project.folder, `dist/${program}.${extension}`), join(elsewhere, `${program}.${extension}`));
      }
      await greets(elsewhere, extension, uri);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  },
  60_000,
);

test.each(["native", "etcd3"])(
  "with packages outside, etcd is asked by the client %s",
  async (client) => {
    await greets(join(project.folder, "dist"), "js", `${uri}?client=${client}`);
  },
  60_000,
);

test("with packages outside, CommonJS does as well", async () => {
  const external = page.find(({ text }) => text.includes("--packages=external"))?.text ?? "";
  const command = external.replace("--format=esm", "--format=cjs --out-extension:.js=.cjs");
  expect(command).toContain("--format=cjs");
  await project.succeed("sh", "-ec", command);
  await greets(join(project.folder, "dist"), "cjs", `${uri}?client=etcd3`);
}, 60_000);

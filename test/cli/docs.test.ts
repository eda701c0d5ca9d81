import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { freePort } from "../support/free-port.ts";
import { blocksOf, examplesOf, readPage } from "../support/page.ts";
import { type Program, repository, runProgram, startProgram } from "../support/program.ts";
import { scratchFolder } from "../support/scratch-folder.ts";
import { trunkline } from "./trunkline.ts";

const page = readPage("docs/cli.md");
const examples = examplesOf(page);
const main = join(repository, "src/cli/main.ts");

let registry: DevEtcd;
let server: Program;
let port: number;
beforeAll(async () => {
  registry = createDevEtcd();
  await registry.listen();
  port = await freePort();
  const env = { ...process.env, TRUNKLINE_REGISTRY: registry.uri, PORT: `${port}` };
  server = startProgram("examples/greeter/server.ts", [], { env });
  await server.printed(/serves on/);
  const listed = async () => (await trunkline(["ls"], { registry: registry.uri })).stdout;
  while (!(await listed()).includes(`${port}`)) await new Promise((resolve) => setTimeout(resolve, 25));
});
afterAll(async () => {
  server.child.kill();
  await server.ended;
  await registry.close();
});

test("the page has its examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(9);
  expect(page).toContain("npm run greeter:server");
});

test.for(examples)("$command", async ({ command, output }) => {
  const shell = `trunkline() { "$NODE" --conditions=@trunkline/source "$MAIN" "$@"; }; ${command} 2>&1`;
  const env = { ...process.env, NODE: process.execPath, MAIN: main, TRUNKLINE_REGISTRY: registry.uri };
  const here = (text: string) => text.replaceAll("50051", `${port}`);
  const printed = await promisify(execFile)("sh", ["-c", here(shell)], { env, cwd: repository }).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(printed).toBe(here(output));
});

test("the page's program runs", async () => {
  const folder = scratchFolder("cli");
  writeFileSync(join(folder, "registry.ts"), blocksOf(page).find(({ file }) => file === "registry.ts")?.text ?? "");
  const ended = await runProgram(join(folder, "registry.ts"));
  expect(ended).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^etcd:\/\/127\.0\.0\.1:\d+\n$/) });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "./support/free-port.ts";
import { repository, runProgram, startProgram } from "./support/program.ts";

// Inside the repository, so that `import "trunkline"` finds the package itself.
const scratch = join(repository, ".trunkline");
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, "readme-"));

beforeAll(async () => {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const port = `${await freePort()}`;
  for (const [, file, code] of readme.matchAll(/^```ts file=(\S+)\n(.*?)^```/gms)) {
    writeFileSync(join(folder, file as string), (code as string).replaceAll("50051", port));
  }
  symlinkSync(join(repository, "gen"), join(folder, "gen"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every TypeScript block of the README is a file that this test runs", () => {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  expect([...readme.matchAll(/^```ts(.*)$/gm)].map(([, info]) => info?.trim())).toEqual([
    "file=server.ts",
    "file=client.ts",
    "file=etcd.ts",
  ]);
});

test("the README's server and client greet each other", async () => {
  const server = startProgram(join(folder, "server.ts"));
  await server.printed(/serving on/);
  const client = await runProgram(join(folder, "client.ts"));
  expect(client).toMatchObject({ code: 0, stderr: "" });
  expect(client.stdout).toBe("Hello you\nHello Ada\nHello Grace\n");
  server.child.kill("SIGTERM");
  expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
});

test("the README's lines on etcd run, and hold nothing open that is not in use", async () => {
  expect(await runProgram(join(folder, "etcd.ts"))).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyRepository } from "../support/copy-repository.ts";
import { freePort } from "../support/free-port.ts";
import { blocksOf, examplesOf, readPage } from "../support/page.ts";
import { type Program, run, startCommand } from "../support/program.ts";

// What somebody has who cloned the repository and ran `npm ci`: none of what was built or installed here.
const clone = mkdtempSync(join(tmpdir(), "trunkline-clone-"));
const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
let dev: Program;
let server: Program;
let port: number;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  await copyRepository(clone);
  const installed = await run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], { cwd: clone });
  expect(installed, installed.stderr).toMatchObject({ code: 0 });

  dev = startCommand("npx", ["trunkline", "dev", "--listen", "127.0.0.1:0"], { cwd: clone, group: true });
  const [, uri] = /listens: (etcd:\S+)/.exec(await dev.printed(/listens: etcd:\S+\n/)) ?? [];
  port = await freePort();
  env = { ...process.env, PATH, TRUNKLINE_REGISTRY: uri, PORT: `${port}` };
  server = startCommand("npm", ["run", "greeter:server"], { cwd: clone, env, group: true });
  await server.printed(/serves on/);
}, 240_000);

afterAll(async () => {
  for (const started of [server, dev]) {
    if (started?.child.pid === undefined) continue;
    process.kill(-started.child.pid, "SIGINT");
    await started.ended;
  }
  rmSync(clone, { recursive: true, force: true });
});

test("npx trunkline runs every line of its page after npm ci", async () => {
  const here = (text: string): string => text.replaceAll("50051", `${port}`);
  for (const { command, output } of examplesOf(readPage("docs/cli.md"))) {
    const ran = await run("sh", ["-c", `trunkline() { npx trunkline "$@" 2>&1; }; ${here(command)}`], {
      cwd: clone,
      env,
    });
    const own = ran.stdout.split("\n").filter((line) => !line.startsWith("npm warn"));
    expect(own.join("\n"), command).toBe(here(output));
  }
}, 120_000);

test("the commands of the tour run, and leave what is generated as it is", async () => {
  const commands = blocksOf(readPage("docs/tour.md")).filter(({ language }) => language === "sh");
  expect(commands).not.toEqual([]);
  const before = contentsOf(join(clone, "gen"));
  for (const { text } of commands) {
    const ran = await run("sh", ["-ec", text], { cwd: clone, env });
    expect(ran, `${text}${ran.stdout}${ran.stderr}`).toMatchObject({ code: 0 });
  }
  expect(contentsOf(join(clone, "gen"))).toEqual(before);
}, 120_000);

test("the two words of the tour are those of the package", async () => {
  const program = blocksOf(readPage("docs/tour.md")).find(({ language }) => language === "ts")?.text;
  writeFileSync(
    join(clone, "src/tour.ts"),
    `import type * as core from "./core/call.ts";
import type { Call, Reply } from "./core/call.ts";
${program}
export const same = (handler: core.Handler, interceptor: core.Interceptor): [Handler, Interceptor] => [handler, interceptor];
export const back = (handler: Handler, interceptor: Interceptor): [core.Handler, core.Interceptor] => [handler, interceptor];
`,
  );
  writeFileSync(join(clone, "tour.json"), JSON.stringify({ extends: "./tsconfig.json", include: ["src/tour.ts"] }));
  const compiled = await run("npx", ["tsc", "-p", "tour.json"], { cwd: clone, env });
  expect(compiled, compiled.stdout).toMatchObject({ code: 0 });
}, 120_000);

function contentsOf(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), "utf8")]),
  );
}

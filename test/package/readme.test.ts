import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { blocksOf, examplesOf, readPage } from "../support/page.ts";
import { repository, run } from "../support/program.ts";
import { installTypeScripts } from "../support/typescripts.ts";
import { createUserProject, type UserProject } from "./user-project.ts";

// An empty folder, in which what the README says is done, and nothing else: only the package comes from a tarball, and
// the port is a free one.
const readme = readPage("README.md");
const blocks = blocksOf(readme.slice(readme.indexOf("## Use it")));

let project: UserProject;

beforeAll(async () => {
  project = await createUserProject();
  const port = `${await freePort()}`;
  await project.follow(blocks.map((block) => ({ ...block, text: block.text.replaceAll("50051", port) })));
}, 240_000);
afterAll(() => project.remove());

test("every block is a file, a command or what one prints", () => {
  expect(blocks.filter(({ file }) => file !== undefined).map(({ file }) => file)).toEqual([
    "proto/greeter/v1/greeter.proto",
    "buf.yaml",
    "buf.gen.yaml",
    "server.ts",
    "client.ts",
    "tsconfig.json",
    "etcd.ts",
  ]);
  expect(blocks.filter(({ file, language }) => file === undefined && !/^(sh|console)$/.test(language))).toEqual([]);
});

const [{ output: printed } = { output: "" }] = examplesOf(readme);

const greets = async (runtime: string, ...args: readonly string[]): Promise<void> => {
  const server = project.start(runtime, ...args, "server.ts");
  await server.printed(/serving on/);
  const client = await project.succeed(runtime, ...args, "client.ts");
  server.child.kill("SIGTERM");
  expect(client).toMatchObject({ code: 0, stdout: printed });
  expect(await server.ended).toMatchObject({ code: 0 });
};

test("the server and the client greet each other", () => greets(process.execPath));

test("on the oldest Node that package.json promises as well", async () => {
  const { engines } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const oldest = `${/\d+\.\d+/.exec(engines.node)?.[0]}.0`;
  await project.succeed("npm", "install", "--no-save", "--prefix", "oldest", `node@${oldest}`);
  const node = join(project.folder, "oldest/node_modules/node/bin/node");
  expect((await project.succeed(node, "--version")).stdout).toBe(`v${oldest}\n`);
  await greets(node);
}, 120_000);

test.each([
  ["bun", "1.4.5", []],
  ["deno", "2.9.6", ["run", "--allow-all"]],
] as const)(
  "%s runs them as well",
  async (runtime, version, args) => {
    expect(readme).toMatch(new RegExp(`${runtime} ${version.replace(/\.\d+$/, "")}`, "i"));
    project.write(`${runtime}/package.json`, JSON.stringify({ private: true, allowScripts: { [runtime]: true } }));
    await project.succeed("npm", "install", "--prefix", runtime, `${runtime}@${version}`);
    await greets(join(project.folder, runtime, "node_modules/.bin", runtime), ...args);
  },
  120_000,
);

test("the lines on etcd run, and hold nothing open that is not in use", async () => {
  expect(await project.succeed(process.execPath, "etcd.ts")).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
});

test("all of it type-checks as it stands, by the oldest TypeScript that is promised and by the newest", async () => {
  await project.succeed("npx", "tsc");
  const typeScripts = await installTypeScripts();
  for (const tsc of typeScripts.compilers.values()) await project.succeed(process.execPath, tsc, "-p", ".");
  typeScripts.remove();
}, 120_000);

test("what it links to is in the package", async () => {
  const listed = await run("tar", ["tzf", project.tarball]);
  const files = new Set(listed.stdout.trim().split("\n"));
  const linked = (file: string): string[] => {
    const text = readFileSync(join(repository, file), "utf8");
    const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link as string);
    return links.filter((link) => !/^\w+:/.test(link)).map((link) => join("package", dirname(file), link));
  };
  const shipped = [...files].filter((file) => file.endsWith(".md")).map((file) => file.slice("package/".length));
  expect(shipped).toContain("README.md");
  expect(shipped.flatMap(linked).filter((link) => !files.has(link))).toEqual([]);
});

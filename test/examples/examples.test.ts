import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { readPage } from "../support/page.ts";
import { type Program, repository, startCommand } from "../support/program.ts";

const example = (name: string): string => join(repository, "examples", name);

/** The page's rows: each folder, and its commands as they stand there. */
const rows = [...readPage("examples/README.md").matchAll(/^\| \[(\w+)\]\(\1\) \| (.*) \|$/gm)].map(
  ([, folder = "", text = ""]) => ({
    folder,
    commands: [...text.matchAll(/`(npm run [\w:]+)`/g)].map(([, one = ""]) => one),
  }),
);
const commandsOf = (folder: string): readonly string[] => rows.find((row) => row.folder === folder)?.commands ?? [];

/** Starts a command of the page, by the Node of the repository as a user of it does, in a process group of its own. */
function start(command: string, port = 0): Program {
  const env = { ...process.env, PORT: `${port}`, TRUNKLINE_REGISTRY: undefined, npm_config_loglevel: "silent" };
  return startCommand("sh", ["-ec", command], { env, group: true });
}

/** What each prints, in whatever order its processes come. */
const prints: Readonly<Record<string, string>> = {
  streaming: "Hello Ada\nHello Grace\nHello Barbara\n",
  interceptor:
    "UNAUTHENTICATED send a token in the metadata authorization\n" +
    "/greeter.v1.Greeter/SayHello took less than a second: OK\n" +
    "Hello you, says Ada\n",
  deadlines:
    "the second server has what is left\nthe second server stops its work\nDEADLINE_EXCEEDED\n" +
    "the second server has what is left\nthe second server stops its work\nCANCELLED\n",
  auth:
    "soup, pie\npie for Ada\nUNAUTHENTICATED credentials are missing or not valid\n" +
    "PERMISSION_DENIED /orders.v1.Orders/Place asks for the scope orders:write, which the caller has not been granted\n",
  tls: "Hello you\nclient.example\n",
};
/** Those that take a minute, and the tools of other languages: CI runs them by themselves, and they know whether it went well. */
const runByCi = ["demo", "polyglot"];

test("the greeter prints what the gRPC tutorial prints", async () => {
  const [serve = "", call = ""] = commandsOf("greeter");
  const port = await freePort();
  const server = start(serve, port);
  await server.printed(/Greeter serves on 127\.0\.0\.1:\d+/);
  const client = await start(call, port).ended;
  process.kill(-(server.child.pid as number), "SIGINT");
  expect(client).toMatchObject({ code: 0, stderr: "", stdout: "Greeting: Hello you\nGreeting: Hello again, you\n" });
  expect(await server.ended).toMatchObject({ stderr: "" });
});

test("the greeter's client says what to do when there is no server", async () => {
  const [serve = "", call = ""] = commandsOf("greeter");
  const client = await start(call, await freePort()).ended;
  expect(client.code).toBe(1);
  expect(client.stderr).toContain(serve);
});

test.each(Object.entries(prints))("examples/%s prints what it says", async (folder, stdout) => {
  const [command = ""] = commandsOf(folder);
  const sorted = (text: string): string[] => text.split("\n").sort();
  const ended = await start(command).ended;
  expect({ ...ended, stdout: sorted(ended.stdout) }).toEqual({
    code: 0,
    signal: null,
    stderr: "",
    stdout: sorted(stdout),
  });
});

test("every example stands on the page, and its command is run", () => {
  const folders = readdirSync(example(""), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const listed = new Set(rows.map(({ folder }) => folder));
  expect(listed).toEqual(new Set(folders.map(({ name }) => name)));
  expect(listed).toEqual(new Set(["greeter", ...Object.keys(prints), ...runByCi]));
  const ci = readFileSync(join(repository, ".ci/run"), "utf8").split("\n");
  for (const folder of runByCi) expect(ci).toEqual(expect.arrayContaining([...commandsOf(folder)]));
});

test("each example fits one screen", () => {
  const files = readdirSync(example(""), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const long = files.filter(
    (file) => !file.startsWith("demo/") && readFileSync(example(file), "utf8").trimEnd().split("\n").length > 60,
  );
  expect(long).toEqual([]);
});

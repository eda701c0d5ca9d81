import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { repository, runProgram, startProgram } from "../support/program.ts";

const example = (name: string): string => join(repository, "examples", name);

test("the greeter prints what the gRPC tutorial prints", async () => {
  const env = { ...process.env, PORT: `${await freePort()}`, TRUNKLINE_REGISTRY: undefined };
  const server = startProgram(example("greeter/server.ts"), [], { env });
  await server.printed(/Greeter serves on 127\.0\.0\.1:\d+/);
  const client = await runProgram(example("greeter/client.ts"), [], { env });
  server.child.kill("SIGTERM");
  expect(client).toMatchObject({ code: 0, stderr: "", stdout: "Greeting: Hello you\nGreeting: Hello again, you\n" });
  expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
});

test("the greeter's client says what to do when there is no server", async () => {
  const env = { ...process.env, PORT: `${await freePort()}`, TRUNKLINE_REGISTRY: undefined };
  const client = await runProgram(example("greeter/client.ts"), [], { env });
  expect(client.code).toBe(1);
  expect(client.stderr).toContain("npm run greeter:server");
});

test.each([
  ["streaming", "Hello Ada\nHello Grace\nHello Barbara\n"],
  [
    "interceptor",
    "UNAUTHENTICATED send a token in the metadata authorization\n" +
      "/greeter.v1.Greeter/SayHello took less than a second: OK\n" +
      "Hello you, says Ada\n",
  ],
  [
    "deadlines",
    "the second server has what is left\nthe second server stops its work\nDEADLINE_EXCEEDED\n" +
      "the second server has what is left\nthe second server stops its work\nCANCELLED\n",
  ],
  [
    "auth",
    "soup, pie\npie for Ada\nUNAUTHENTICATED credentials are missing or not valid\n" +
      "PERMISSION_DENIED /orders.v1.Orders/Place asks for the scope orders:write, which the caller has not been granted\n",
  ],
  ["tls", "Hello you\nclient.example\n"],
])("examples/%s prints what it says", async (name, stdout) => {
  const ended = await runProgram(example(`${name}/main.ts`));
  const sorted = (text: string): string[] => text.split("\n").sort();
  expect({ ...ended, stdout: sorted(ended.stdout) }).toEqual({
    code: 0,
    signal: null,
    stderr: "",
    stdout: sorted(stdout),
  });
});

test("each example fits one screen", () => {
  const files = readdirSync(example(""), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const long = files.filter(
    (file) => !file.startsWith("demo/") && readFileSync(example(file), "utf8").trimEnd().split("\n").length > 60,
  );
  expect(long).toEqual([]);
});

test("every example has its command", () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const listed = [...readFileSync(example("README.md"), "utf8").matchAll(/^\| \[(\w+)\]\(\1\) \| (.*) \|$/gm)];
  const folders = readdirSync(example(""), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(new Set(listed.map(([, folder]) => folder))).toEqual(new Set(folders.map(({ name }) => name)));
  for (const [, folder, text = ""] of listed) {
    const commands = [...text.matchAll(/`npm run ([\w:]+)`/g)].map(([, command]) => scripts[command as string]);
    expect(commands, folder).not.toEqual([]);
    for (const command of commands) expect(command).toContain(`examples/${folder}/`);
  }
});

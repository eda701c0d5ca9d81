import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "trunkline";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { repository, run as runCommand } from "../support/program.ts";
import { lines, main, start, trunkline } from "./trunkline.ts";

test.each([["--help"], ["-h"], ["help"], []])("trunkline %s shows the commands", async (...args) => {
  const { code, stdout, stderr } = await trunkline(args.filter((arg) => arg !== undefined));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const name of ["dev", "call", "ls", "policy"]) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
});

test("--version shows the package's version", async () => {
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string };
  expect(await trunkline(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
});

test.each(["dev", "call", "ls", "policy"])("trunkline %s --help shows its flags and examples", async (name) => {
  const { code, stdout } = await trunkline([name, "--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Usage: trunkline ${name} `));
  expect(stdout).toMatch(/^ {2}-h, --help/m);
  expect(stdout).toMatch(new RegExp(`Examples:\n {2}trunkline ${name}`));
  expect(lines(stdout).every((line) => line.length < 160)).toBe(true);
});

test.each([
  [["cal"], 'trunkline has no command cal; did you mean "call"'],
  [["serve"], "trunkline has no command serve\n"],
  [["--verson"], 'trunkline has no flag --verson; did you mean "--version"'],
  [["ls", "--regstry", "x"], 'trunkline ls has no flag --regstry; did you mean "--registry"'],
  [["ls", "-z"], "trunkline ls has no flag -z\n"],
  [["dev", "--listen"], "trunkline dev: Option '--listen <value>' argument missing"],
  [["dev", "--json=yes"], "trunkline dev: Option '--json' does not take an argument"],
  [["dev", "here"], 'trunkline dev takes no argument, "here" was given'],
  [["dev", "--listen", "2379"], '"2379" is no address'],
  [["call"], '"" names no method: write <service>/<method>'],
  [["call", "a.B/C", "D"], 'what is "D" for?'],
  [["call", "a.B/C"], "which server? give --address HOST:PORT or --registry URI"],
  [["call", "a.B/C", "-a", "x:1", "-r", "etcd://x"], "give --address or --registry, not both"],
  [["call", "a.B/C", "-a", "nowhere"], '"nowhere" is no address'],
  [["call", "a.B/C", "-a", "xds:///a"], "or one of gRPC's schemes dns, ipv4, ipv6, unix and unix-abstract"],
  [["call", "a.B/C", "-a", "dns://8.8.8.8/a:1"], "names are asked of this machine's own resolver"],
  [["call", "a.B/C", "-r", "ftp://x"], '"ftp://x" names no registry'],
  [
    ["call", "a.B/C", "-a", "x:1", "--timeout", "soon"],
    "--timeout soon: give milliseconds, a number from 0 (no limit) to",
  ],
  [["call", "a.B/C", "-a", "x:1", "--timeout=-1"], "--timeout -1: give milliseconds"],
  [["call", "a.B/C", "-a", "x:1", "--timeout", ""], "--timeout : give milliseconds"],
  [["call", "a.B/C", "-a", "x:1", "--timeout", "1e12"], "--timeout 1e12: give milliseconds"],
  [["ls", "-r", "etcd://x", "--timeout", "soon"], "--timeout soon: give milliseconds"],
  [["call", "a.B/C", "-a", "x:1", "-H", "token"], "-H is given what is no header: write 'key: value'"],
  [["call", "a.B/C", "-a", "x:1", "-H", "grpc-x: y"], "keys that start with grpc- are gRPC's own"],
  [
    ["call", "a.B/C", "-a", "x:1", "-H", "x-bin: %%"],
    '-H "x-bin": the value of a key that ends in -bin is written in base64',
  ],
  [["call", "a.B/C", "-a", "x:1", "-d", "-1"], "argument is ambiguous. Did you forget"],
  [["help", "cal"], 'trunkline has no command cal; did you mean "call"'],
  [["call", "a.B/C", "-a", "x:1", "--ca", "/no/such.pem"], "--ca: ENOENT"],
  [["call", "a.B/C", "-a", "x:1", "--cert", "/no/such.pem"], "--cert and --key go together"],
  [["ls"], "which registry? give --registry URI, or set TRUNKLINE_REGISTRY"],
  [["ls", "a.B", "c.D"], 'what is "c.D" for?'],
  [["ls", "--watch"], "--watch needs a service"],
])("trunkline %j is a wrong command line, and says how to right it", async (args, message) => {
  const { code, stdout, stderr } = await trunkline(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/trunkline (\w+ )?--help shows how to write it\.\n$/);
});

test("as a process it ends with the exit code, and keeps its output apart from its messages", async () => {
  const wrong = start(["ls", "--jsn"]);
  const right = start(["--version"]);
  const failing = start(["call", "a.B/C", "--address", `127.0.0.1:${await freePort()}`]);
  expect(await wrong.ended).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining('"--json"') });
  expect(await right.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/), stderr: "" });
  expect(await failing.ended).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^UNAVAILABLE/) });
});

test("a header that is none is named without its value, which may be a token", async () => {
  for (const header of ["authorization Bearer s3cret", "authorization: Bearer s3cret\u0001", "grpc-x: s3cret"]) {
    const { code, stderr } = await trunkline(["call", "a.B/C", "-a", "x:1", "-H", header]);
    expect(code).toBe(2);
    expect(stderr).not.toContain("s3cret");
  }
});

test.each([
  ["ls", "-r", "ectd://root:s3cret@h:1"],
  ["ls", "-r", "root:s3cret@h:1"],
  ["ls", "-r", "etcd://root:s3cret@"],
  ["ls", "-r", "etcd://root:s3cret@127.0.0.1:1?ttl=soon"],
  ["ls", "-r", "etcd://root:s3cret@127.0.0.1:1"],
  ["ls", "etcd://root:s3cret@h:1"],
  ["ls", "a.B", "etcd://root:s3cret@h:1"],
  ["call", "etcd://root:s3cret@h:1"],
  ["call", "a.B/C", "etcd://root:s3cret@h:1"],
  ["call", "a.B/C", "-a", "etcd://root:s3cret@h:1"],
  ["call", "a.B/C", "-r", "ectd://root:s3cret@h:1"],
  ["call", "a.B/C", "-r", "etcd://root:s3cret@127.0.0.1:1"],
  ["dev", "etcd://root:s3cret@h:1"],
  ["dev", "--listen", "etcd://root:s3cret@h:1"],
  ["etcd://root:s3cret@h:1"],
])("no password is printed, wherever the registry was written: %j", async (...args) => {
  const { code, stdout, stderr } = await trunkline(args);
  expect(code).not.toBe(0);
  expect(stderr).not.toBe("");
  expect(`${stdout}${stderr}`).not.toContain("s3cret");
});

test("trunkline help <command> is its --help", async () => {
  expect(await trunkline(["help", "ls"])).toEqual(await trunkline(["ls", "--help"]));
});

test("what libraries warn of is not printed: the error says it", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "trunkline-lost-")), "lost.proto");
  writeFileSync(file, 'syntax = "proto3"; import "no/where.proto"; message A {}');
  const { code, stderr } = await start(["call", "a.B/C", "--proto", file, "-a", "127.0.0.1:1"]).ended;
  expect(code).toBe(2);
  expect(lines(stderr)).toEqual([
    expect.stringMatching(/^cannot read .*lost\.proto: it imports .*no\/where\.proto, which is not there/),
    "trunkline call --help shows how to write it.",
  ]);
});

/** Runs a line of a shell in which `trunkline` is the command. */
function shell(line: string) {
  const script = `trunkline() { "$NODE" --conditions=@trunkline/source "$MAIN" "$@"; }; ${line}`;
  return runCommand("sh", ["-c", script], { env: { ...process.env, NODE: process.execPath, MAIN: main } });
}

test("an output that is full is a failure that is said", async () => {
  const { code, stderr } = await shell("trunkline --help > /dev/full");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^the output cannot be written: ENOSPC/);
});

test("head takes what it wants of replies without end, and the command ends well and in silence", async () => {
  const endless = createServer().add(Greeter, {
    ...greetings,
    async *chat() {
      for (;;) yield { message: "again" };
    },
  });
  const address = await endless.listen("127.0.0.1:0");
  const line = `{ trunkline call greeter.v1.Greeter/Chat -a ${address}; echo "code $?" >&2; } | head -2`;
  expect(await shell(line)).toMatchObject({
    stdout: '{"message":"again"}\n{"message":"again"}\n',
    stderr: "code 0\n",
  });
  await endless.close({ timeoutMs: 0 });
});

test("a reader that goes away ends the command quietly", async () => {
  const { child, ended } = start(["dev", "--listen", "127.0.0.1:0"]);
  child.stdout?.destroy();
  child.stdin?.end();
  const { code, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

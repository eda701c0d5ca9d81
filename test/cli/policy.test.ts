import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { createClient } from "../../src/registry/etcd/client.ts";
import { createWire } from "../../src/registry/etcd/create-wire.ts";
import { etcdSettings } from "../../src/registry/etcd/settings.ts";
import { scratchFolder } from "../support/scratch-folder.ts";
import { trunkline } from "./trunkline.ts";

let registry: DevEtcd;
beforeAll(async () => {
  registry = createDevEtcd();
  await registry.listen();
});
afterAll(() => registry.close());

let names = 0;
const freshService = () => `cli.v1.Service${++names}`;

const policy = (args: readonly string[], input?: string) =>
  trunkline(["policy", ...args], { registry: registry.uri, input });
/** Those that must go well; gives what they print as JSON. */
const json = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await policy([...args, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
};

test("set changes fields and leaves the others, get shows them, and a field without a value is taken out", async () => {
  const service = freshService();
  const first = await policy(["set", service, "timeoutMs=500", "methods.SayHello.retry=false", "--by", "alice"]);
  expect(first.stdout).toMatch(
    new RegExp(
      `^${service}: revision \\d+, by alice, 2\\S+Z\n  methods.SayHello.retry  - -> false\n  timeoutMs +- -> 500\n$`,
    ),
  );
  await policy(["set", service, 'retry.retryableCodes=["UNAVAILABLE","ABORTED"]', "timeoutMs=", "--note", "as it was"]);
  expect(await json("get", service)).toMatchObject([
    { policy: { retry: { retryableCodes: ["UNAVAILABLE", "ABORTED"] }, methods: { SayHello: { retry: false } } } },
  ]);
  const shown = await policy(["get", service]);
  expect(shown.stdout).toMatch(
    /, by \S+@\S+, \S+Z: as it was\n {2}methods\.SayHello\.retry +false\n {2}retry\.retryab/,
  );
  await policy(["set", service, "methods.SayHello.retry=", "retry="]);
  expect(await json("get", service)).toMatchObject([{ policy: {} }]);
});

test("two operators do not overwrite each other: the second is told who came before", async () => {
  const service = freshService();
  const [{ revision }] = await json("set", service, "timeoutMs=500", "--by", "alice");
  await json("set", service, "timeoutMs=400", "--by", "bob", "--expect", `${revision}`);
  const late = await policy(["set", service, "timeoutMs=300", "--by", "carol", "--expect", `${revision}`]);
  expect(late.code).toBe(1);
  expect(late.stderr).toMatch(/^ABORTED: the policy of \S+ has changed meanwhile: it is at revision \d+, by bob at /);
  expect(await json("get", service)).toMatchObject([{ policy: { timeoutMs: 400 }, by: "bob" }]);
});

test("what get --json printed is set from a file or stdin, and only where nobody has changed it since", async () => {
  const service = freshService();
  await policy(["set", service, "timeoutMs=500"]);
  const { stdout: printed } = await policy(["get", service, "--json"]);
  const edited = printed.replace("500", "450");
  expect((await policy(["set", service, "--file", "-"], edited)).code).toBe(0);
  expect(await json("get", service)).toMatchObject([{ policy: { timeoutMs: 450 } }]);
  const again = await policy(["set", service, "--file", "-"], edited);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("has changed meanwhile") });
  const file = join(scratchFolder("policy"), "policy.json");
  writeFileSync(file, '{"hedge":{"delayMs":20}}');
  await policy(["set", service, "--file", file, "hedge.maxAttempts=3"]);
  expect(await json("get", service)).toMatchObject([{ policy: { hedge: { delayMs: 20, maxAttempts: 3 } } }]);
});

test("history tells what each change did, and rollback goes back, to the one before or to any", async () => {
  const service = freshService();
  const [one] = await json("set", service, "timeoutMs=500", "--by", "alice");
  await json("set", service, "timeoutMs=200", "--by", "bob", "--note", "too slow");
  await json("set", service, "timeoutMs=50", "retry=false", "--by", "bob");
  await json("rollback", service, "--by", "carol");
  expect(await json("get", service)).toMatchObject([{ policy: { timeoutMs: 200 }, by: "carol" }]);
  await json("rollback", service, `${one.revision}`, "--note", "it was the disk");
  const { stdout } = await policy(["history", service]);
  const plain = stdout
    .replace(/revision \d+/g, "revision N")
    .replace(/\d{4}-\S+Z/g, "AT")
    .replace(/\S+@\S+,/g, "ME,");
  expect(plain).toBe(
    [
      `${service}: revision N, by ME, AT: it was the disk`,
      "  timeoutMs  200 -> 500",
      `${service}: revision N, by carol, AT: back to revision N`,
      "  retry      false -> -",
      "  timeoutMs  50 -> 200",
      `${service}: revision N, by bob, AT`,
      "  retry      - -> false",
      "  timeoutMs  200 -> 50",
      `${service}: revision N, by bob, AT: too slow`,
      "  timeoutMs  500 -> 200",
      `${service}: revision N, by alice, AT`,
      "  timeoutMs  - -> 500",
      "",
    ].join("\n"),
  );
});

test("get without a service shows all, and * stands for every service", async () => {
  await policy(["set", "*", "waitForReady=true"]);
  const all = await json("get");
  expect(all.map(({ service }) => service)).toContain("*");
});

test("what was written by hand and is garbage is named, and rollback brings back what was before", async () => {
  const service = freshService();
  await json("set", service, "timeoutMs=700");
  const client = createClient(createWire(etcdSettings(registry.uri ?? "", {})), "");
  const key = `trunkline/policy/${service}`;
  const [entry] = (await client.read([{ key }])).entries;
  await client.put([{ key, value: '{"timeout":5}', expected: entry?.modRevision ?? "" }], "0");
  client.close();
  const reason = `${key} in etcd: the policy has no option "timeout": did you mean timeoutMs?`;
  expect(await policy(["get", service])).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) });
  expect(await policy(["set", service, "timeoutMs=1"])).toMatchObject({ stderr: expect.stringContaining(reason) });
  const fine = freshService();
  await json("set", fine, "timeoutMs=1");
  const all = await policy(["get"]);
  expect(all).toMatchObject({ code: 1, stderr: `${reason}\n`, stdout: expect.stringContaining(`${fine}: revision`) });
  await json("rollback", service);
  expect(await json("get", service)).toMatchObject([{ policy: { timeoutMs: 700 } }]);
  expect(await policy(["set", service, "--file", "-"], '{"timeoutMs":"soon"}')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('timeoutMs is "soon": give a number that is at least 0'),
  });
});

test.each<[args: readonly string[], message: string]>([
  [[], "trunkline policy takes one of get, set, history, rollback"],
  [["got", "a.B"], 'trunkline policy has no got; did you mean "get"; it has: get, set, history, rollback'],
  [["set"], "of which service? trunkline policy set <service>"],
  [["set", "a.B"], "set what? give field=value, such as timeoutMs=500, or --file FILE"],
  [["set", "a.B", "timeoutMs"], '"timeoutMs" sets nothing: write field=value'],
  [["set", "a.B", "timeoutMS=5"], 'the policy has no option "timeoutMS": did you mean timeoutMs?'],
  [["set", "a.B", "timeoutMs=soon"], 'timeoutMs is "soon": give a number that is at least 0'],
  [["set", "a.B", "__proto__.x=1"], 'the policy has no option "__proto__"'],
  [["set", "a.B", "x=1", "--expect", "now"], "--expect now is no revision"],
  [["set", "a.B", "-f", "/nowhere.json"], "cannot read --file /nowhere.json: ENOENT"],
  [["get", "a.B", "c"], 'what is "c" for?'],
  [["get", "a.B", "-r", "static://a:1"], "policies stand in etcd: write --registry etcd://HOST:PORT"],
  [["get", "a.B", "-r", "etcd://a:1?ttl=x"], "names no etcd: ttl"],
])("trunkline policy %j is a wrong command line, and says what is wrong", async (args, message) => {
  const { code, stderr } = await policy(args);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test.each<[args: readonly string[], message: string]>([
  [["rollback", "never.Set"], "the history of never.Set has none before this one: it has nothing"],
  [["rollback", "never.Set", "5"], "the history of never.Set has no revision 5: it has nothing"],
  [["get", "a/b"], '"a/b" is no service: give a full name'],
  [["get", "a.B", "-r", "etcd://127.0.0.1:1"], "UNAVAILABLE: etcd cannot be asked for policies: "],
])("trunkline policy %j fails, and says why", async (args, message) => {
  const { code, stderr } = await policy(args);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});

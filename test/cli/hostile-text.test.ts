import { Code, createServer, detail, RpcError, type Server } from "trunkline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ErrorInfo } from "../../gen/google/rpc/error_details.ts";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { type EtcdClient, etcdClient } from "../devetcd/etcd-client.ts";
import { greetings } from "../support/greeter.ts";
import { json, lines, type Outcome, trunkline } from "./trunkline.ts";

/** A title, a cleared screen, a clipboard, a line that somebody else is to have printed, text that reads backwards. */
const hostile =
  "\u001b]0;t\u0007\u001b[2J\u009b31m\u001b]52;c;eA==\u0007\n  10.0.0.9:1\r\u202elive\u2066\u2028\u061c\u007f";

let etcd: DevEtcd;
let client: EtcdClient;
let server: Server & { readonly address: string };
beforeAll(async () => {
  etcd = createDevEtcd();
  client = etcdClient(await etcd.listen("127.0.0.1:0"));
  const put = (key: string, value: string) => client.kv.put({ key: Buffer.from(key), value: Buffer.from(value) });
  const value = (address: string) => JSON.stringify({ Op: 0, Addr: address, Metadata: { [hostile]: hostile } });
  await put("shop.v1.Cart/one", value("10.0.0.1:1"));
  await put(`evil${hostile}/two`, value("10.0.0.2:1"));

  server = createServer() as typeof server;
  server.add(Greeter, {
    ...greetings,
    sayHello({ name }, context) {
      context.header = { "x-text": "a  b" };
      if (name !== "fail") return { message: hostile };
      const details = [
        detail(ErrorInfo, { reason: hostile, domain: hostile }),
        { type: hostile, value: Uint8Array.of() },
      ];
      throw new RpcError(Code.ABORTED, hostile, { details });
    },
    async *chat() {
      yield { message: hostile };
    },
  });
  await server.listen("127.0.0.1:0");
});
afterAll(async () => {
  await client.channel.close();
  await server.close();
  await etcd.close();
});

function expectHarmless({ stdout, stderr }: Outcome): void {
  expect(`${stdout}${stderr}`.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  for (const line of lines(`${stdout}${stderr}`)) expect(line).not.toMatch(/^ *10\.0\.0\.9/);
}

const uri = () => etcd.uri ?? "";
const call = (...args: readonly string[]) => trunkline(["call", ...args, "-a", server.address]);

test("ls: names, addresses and metadata from a registry cannot command the terminal, nor forge a server", async () => {
  const all = await trunkline(["ls", "-r", uri()]);
  expect(all).toMatchObject({ code: 0, stderr: "" });
  expect(all.stdout).toContain("10.0.0.1:1");
  expect(all.stdout).toContain("\\u001b]0;t");
  expectHarmless(all);
  expectHarmless(await trunkline(["ls", "nobody.here.Service", "-r", uri()]));
  expectHarmless(await trunkline(["ls", `evil${hostile}`, "-r", uri()]));
});

test("ls --json: the escapes are JSON's own, and the value is the one of the registry", async () => {
  const outcome = await trunkline(["ls", "shop.v1.Cart", "--json", "-r", uri()]);
  expectHarmless(outcome);
  expect(json(outcome.stdout)).toMatchObject({ endpoints: [{ metadata: { [hostile]: hostile } }] });
});

test("ls: a value with spaces cannot pass for more than one fact", async () => {
  await client.kv.put({
    key: Buffer.from("spaced.v1.S/one"),
    value: Buffer.from(JSON.stringify({ Op: 0, Addr: "10.0.0.3:1", Metadata: { note: "x  zone=b", plain: "y" } })),
  });
  const { stdout } = await trunkline(["ls", "spaced.v1.S", "-r", uri()]);
  expect(stdout).toBe('spaced.v1.S\n  10.0.0.3:1  note="x  zone=b"  plain=y\n');
});

test("call: a reply is the same JSON value, and harmless to see", async () => {
  for (const method of ["greeter.v1.Greeter/SayHello", "greeter.v1.Greeter/Chat"]) {
    const outcome = await call(method, "-d", "{}");
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expectHarmless(outcome);
    expect(json(outcome.stdout)).toEqual({ message: hostile });
  }
});

test("call: an error's message and its details are one line each", async () => {
  const outcome = await call("greeter.v1.Greeter/SayHello", "-d", '{"name": "fail"}', "-v");
  expect(outcome.code).toBe(1);
  expectHarmless(outcome);
  expect(lines(outcome.stderr).filter((line) => line.startsWith("ABORTED: "))).toHaveLength(1);
  expect(outcome.stderr).toContain(`\\u001b]0;t`);
});

test("an error names some of many services, and says how many more there are", async () => {
  const names = Array.from({ length: 30 }, (_, i) => `many.v1.S${i}`);
  const value = Buffer.from(JSON.stringify({ Op: 0, Addr: "10.0.0.4:1" }));
  await Promise.all(names.map((name) => client.kv.put({ key: Buffer.from(`${name}/one`), value })));
  const { stderr } = await trunkline(["ls", "no.such.Service", "-r", uri()]);
  expect(stderr).toMatch(/^the registry has no server of no\.such\.Service \(it has: .* and 1\d more\)\n$/);
});

test("what the user typed is as harmless when it comes back in an error", async () => {
  expectHarmless(await trunkline([hostile]));
  expectHarmless(await trunkline(["ls", `--${hostile}`]));
  expectHarmless(await trunkline(["call", hostile]));
  expectHarmless(await trunkline(["ls", "-r", `ftp://${hostile}`]));
  expectHarmless(await call("greeter.v1.Greeter/SayHello", "-d", `{"name${hostile}": 1}`));
});

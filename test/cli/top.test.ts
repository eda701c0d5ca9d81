import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createChannel,
  createClient,
  createServer,
  type Interceptor,
  type Registry,
  RpcError,
  registryFromUri,
  type Server,
} from "trunkline";
import { serveAdmin } from "trunkline/admin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { plain } from "../../src/cli/screen.ts";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { json, lines, trunkline } from "./trunkline.ts";

const token = "a-token-that-nobody-guesses";
const admin = "trunkline.admin.v1.Admin";

let etcd: DevEtcd;
let registry: Registry;
let uri: string;
beforeAll(async () => {
  etcd = createDevEtcd();
  await etcd.listen();
  uri = etcd.uri ?? "";
  registry = await registryFromUri(uri);
});
afterAll(async () => {
  await registry.close();
  await etcd.close();
});

interface Process extends AsyncDisposable {
  readonly server: Server;
  readonly address: string;
}

/** A server that calls itself: a few good calls, and one that fails. */
async function busyProcess(): Promise<Process> {
  const server = createServer({ registry });
  const channel = createChannel({ registry });
  serveAdmin(server, { channels: { itself: channel }, tokens: [token] });
  server.add(Greeter, {
    ...greetings,
    sayHelloAgain() {
      throw new RpcError(5, "nobody");
    },
  });
  const address = await server.listen("127.0.0.1:0");
  await server.registered;
  const greeter = createClient(Greeter, channel);
  for (let i = 0; i < 10; i++) await greeter.sayHello({ name: "you" });
  await greeter.sayHelloAgain({ name: "you" }).catch(() => {});
  return {
    server,
    address,
    async [Symbol.asyncDispose]() {
      await channel.close(0);
      await server.close({ timeoutMs: 0, quietMs: 0 });
    },
  };
}

describe("top", () => {
  test("shows every process that the registry has, and what it answers", async () => {
    await using one = await busyProcess();
    await using other = await busyProcess();
    const { code, stdout, stderr } = await trunkline(["top"], { registry: uri, token });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^2 processes {3}\S+ calls\/s {3}\d+(\.\d)? % failed\n/);
    expect(stdout).toMatch(/\nmethod +calls\/s +failed\/s +p50 +p99 +in flight\n/);
    expect(stdout).toMatch(/\ngreeter\.v1\.Greeter\/SayHello +[\d.]+ +0 +[\d.]+ ms +[\d.]+ ms +0\n/);
    for (const { address } of [one, other]) {
      expect(stdout).toMatch(new RegExp(`\\n${address} +serving +[\\d.]+ +[\\d.]+ +\\d+ +\\d+ MiB`));
    }
  });

  test("--json prints a line for each process", async () => {
    await using one = await busyProcess();
    const { code, stdout } = await trunkline(["top", "--json", "--once", "--address", one.address], { token });
    expect(code).toBe(0);
    expect(lines(stdout).map(json)).toMatchObject([
      { address: one.address, process: { pid: process.pid }, servers: [{ state: "STATE_SERVING" }] },
    ]);
  });

  test("on a screen it is drawn again and again, until Ctrl-C", async () => {
    await using _one = await busyProcess();
    const interruption = new AbortController();
    const drawn: string[][] = [];
    const screen = {
      rows: 30,
      draw(picture: Parameters<typeof plain>[0][]) {
        drawn.push(picture.map(plain));
        if (drawn.length === 2) interruption.abort();
      },
    };
    const { code, stdout } = await trunkline(["top"], {
      registry: uri,
      token,
      screen: screen as never,
      signal: interruption.signal,
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(drawn.map(([first]) => first?.startsWith("1 process "))).toEqual([true, true]);
  });

  test("who brings no token, or another, is told so, process by process", async () => {
    await using one = await busyProcess();
    const { code, stdout } = await trunkline(["top", "-H", "authorization: Bearer wrong"], { registry: uri, token });
    expect(code).toBe(1);
    expect(stdout).toContain(`! ${one.address}: UNAUTHENTICATED: the token is missing or wrong\n`);
    expect(stdout).not.toContain("wrong\u001b");
  });

  test("a process that is not there is silent, and the others are shown", async () => {
    await using one = await busyProcess();
    const gone = `127.0.0.1:${await freePort()}`;
    const entry = registry.register({ services: [admin], endpoint: { address: gone } });
    await entry.registered;
    const { code, stdout } = await trunkline(["top"], { registry: uri, token });
    await entry.close();
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^2 processes.*\\n! ${gone}: UNAVAILABLE: .*ECONNREFUSED`));
    expect(stdout).toMatch(new RegExp(`\\n${gone} +silent`));
    expect(stdout).toMatch(new RegExp(`\\n${one.address} +serving`));
  });

  test("who can write to the registry leads nobody to a socket of this machine", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    const address = `unix:${join(folder, "a.sock")}`;
    const server = createServer();
    let called = 0;
    const count: Interceptor = (next) => (call) => {
      called++;
      return next(call);
    };
    serveAdmin(server, { guard: count });
    await server.listen(address);
    const evil = registry.register({ services: [admin], endpoint: { address } });
    await evil.registered;
    const top = await trunkline(["top", "--once", "-r", uri]);
    const why = await trunkline(["why", "-r", uri]);
    await evil.close();
    expect([top.code, why.code, called]).toEqual([1, 1, 0]);
    expect(why.stderr).toContain("unix: addresses of a registry are connected to only with unixAddresses: true");
    expect((await trunkline(["top", "--once", "-a", address])).code).toBe(0);
    expect(called).toBe(1);
    await server.close({ timeoutMs: 0 });
    rmSync(folder, { recursive: true });
  });

  test("a registry without such a process, or one that is away, is a failure that says so", async () => {
    const none = await trunkline(["top"], { registry: uri });
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toContain(`no process in the registry serves ${admin}`);
    const away = await trunkline(["top"], { registry: `etcd://127.0.0.1:${await freePort()}` });
    expect(away).toMatchObject({ code: 1, stdout: "" });
    expect(away.stderr).toMatch(/the registry does not answer for trunkline\.admin\.v1\.Admin: .*ECONNREFUSED/);
  });
});

describe("why", () => {
  test("lists what failed lately, everywhere, and explains one by its id", async () => {
    await using one = await busyProcess();
    const { code, stdout, stderr } = await trunkline(["why", "--method", "greeter.v1.Greeter"], {
      registry: uri,
      token,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const line = new RegExp(
      `^\\S+Z  ${one.address} \\(client\\)  greeter\\.v1\\.Greeter/SayHelloAgain  NOT_FOUND in [\\d.]+ ms  (\\w+)  nobody$`,
      "m",
    );
    const [, id = ""] = line.exec(stdout) ?? [];
    const explained = await trunkline(["why", id], { registry: uri, token });
    expect(explained).toMatchObject({ code: 0, stderr: "" });
    expect(explained.stdout).toContain(
      `${one.address} (client):\n  /greeter.v1.Greeter/SayHelloAgain failed with NOT_FOUND`,
    );
    const { stdout: records } = await trunkline(["why", id, "--json"], { registry: uri, token });
    expect(lines(records).map(json)).toMatchObject([{ id, code: "NOT_FOUND" }]);
  });

  test("an id that nobody remembers is a failure, and so is a process that does not let one in", async () => {
    await using one = await busyProcess();
    const unknown = await trunkline(["why", "0123456789abcdef"], { registry: uri, token });
    expect(unknown).toEqual({
      code: 1,
      stdout: "",
      stderr: "no process remembers a call or a trace 0123456789abcdef\n",
    });
    const refused = await trunkline(["why"], { registry: uri });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${one.address}: UNAUTHENTICATED: the token is missing or wrong`);
  });
});

describe("drain", () => {
  test("takes a server out, and says so", async () => {
    await using one = await busyProcess();
    const { code, stdout, stderr } = await trunkline(["drain", one.address], { token });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`${one.address} drains: it is taken out of the registry, then closes\n`);
    await one.server.close();
    expect((await registry.services()).includes(Greeter.name)).toBe(false);
  });

  test("without a token it is refused", async () => {
    await using one = await busyProcess();
    const { code, stderr } = await trunkline(["drain", one.address]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "UNAUTHENTICATED: the token is missing or wrong\n" });
  });

  test.each([
    [[], "which server? trunkline drain HOST:PORT"],
    [["127.0.0.1:1", "127.0.0.1:2"], 'takes one server; what is "127.0.0.1:2" for?'],
    [["nowhere"], "nowhere"],
  ])("of %j the mistake is named", async (args, why) => {
    const { code, stderr } = await trunkline(["drain", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });
});

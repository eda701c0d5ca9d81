import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type ServerOptions } from "trunkline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { createDevEtcd } from "../../src/devetcd/index.ts";
import { etcd } from "../../src/registry/etcd/index.ts";
import { serverTls } from "../support/certs.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { startProgram } from "../support/program.ts";
import { createSilentServer } from "../support/silent-server.ts";
import type { Task } from "./never-closed.ts";

const program = join(import.meta.dirname, "never-closed.ts");
/** What it may take to end, on a machine that does much besides. */
const soonMs = 2_500;

const registered = createDevEtcd();
let server: Server;
let secure: Server;
let plain = "";
let tls = "";

function greeterServer(options: ServerOptions = {}): Server {
  const made = createServer(options);
  made.add(Greeter, {
    ...greetings,
    async sayHelloAgain({ name }) {
      await new Promise((resolve) => setTimeout(resolve, 600));
      return { message: `Hello again, ${name}` };
    },
  });
  return made;
}

beforeAll(async () => {
  await registered.listen();
  server = greeterServer({ registry: etcd(registered.uri ?? "") });
  plain = await server.listen("127.0.0.1:0");
  await server.registered;
  secure = greeterServer({ tls: serverTls });
  tls = await secure.listen("127.0.0.1:0");
});
afterAll(async () => {
  await server.close({ timeoutMs: 0 });
  await secure.close({ timeoutMs: 0 });
  await registered.close();
});

/** Runs a client that nobody closes, and gives what it printed. */
async function run(task: Task, begun: () => unknown = () => {}): Promise<string[]> {
  const { child, printed, ended } = startProgram(program, [JSON.stringify(task)]);
  const timer = setTimeout(() => child.kill("SIGKILL"), 50_000);
  await printed(/begun/);
  await begun();
  const done = printed(/done/).then(
    () => performance.now(),
    () => undefined,
  );
  const { code, stdout, stderr } = await ended;
  const endedAt = performance.now();
  clearTimeout(timer);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(endedAt - ((await done) ?? 0)).toBeLessThan(soonMs);
  return stdout.trim().split("\n").slice(1, -1);
}

const hello = ["Hello Ada", "Hello Ada", "Hello Ada"];

describe.concurrent("a process whose client was never closed ends", { timeout: 60_000 }, () => {
  test.each(["http2", "grpc-js", "memory"] as const)(
    "over %s, once its last call is over and no sooner",
    async (wire) => {
      const printed = await run({
        wire,
        at: plain,
        healthCheck: true,
        does: ["calls", "stream", "leaves", "slow"],
      });
      expect(printed).toEqual([...hello, "Hello Ada", "Hello Bob", "Hello Ada", "Hello again, Ada"]);
    },
  );

  test.each(["http2", "grpc-js"] as const)("over TLS by %s", async (wire) => {
    expect(await run({ wire, at: tls, tls: true })).toEqual(hello);
  });

  test.each(["http2", "grpc-js"] as const)("over %s, once what it waits for has come", async (wire) => {
    const later = greeterServer();
    const at = `127.0.0.1:${await freePort()}`;
    const begun = () => new Promise((resolve) => setTimeout(resolve, 300)).then(() => later.listen(at));
    expect(await run({ wire, at, does: ["ready", "slow"] }, begun)).toEqual(["READY", "Hello again, Ada"]);
    await later.close({ timeoutMs: 0 });
  });

  test.each(["http2", "grpc-js"] as const)("over %s, though its server is away", async (wire) => {
    const at = `127.0.0.1:${await freePort()}`;
    expect(await run({ wire, at, does: ["fails"] })).toEqual(["UNAVAILABLE"]);
  });

  test.each(["http2", "grpc-js"] as const)("over %s, though its server says nothing", async (wire) => {
    const { address: at, close } = await createSilentServer();
    expect(await run({ wire, at, tls: true, does: ["fails"] })).toEqual(["UNAVAILABLE"]);
    await close();
  });

  test("though it watches a registry in memory", async () => {
    expect(await run({ registry: "memory", at: plain })).toEqual(hello);
  });

  test.each(["native", "etcd3"] as const)("though it watches etcd, by %s", async (registry) => {
    expect(await run({ registry, at: registered.uri, does: ["services", "calls"] })).toEqual([Greeter.name, ...hello]);
  });

  test.each(["native", "etcd3"] as const)("though it looks for an etcd that is away, by %s", async (registry) => {
    const at = `etcd://127.0.0.1:${await freePort()}`;
    expect(await run({ registry, at, does: ["fails"] })).toEqual(["UNAVAILABLE"]);
  });

  test("and what the registry said is on disk", async () => {
    const dir = mkdtempSync(join(tmpdir(), "trunkline-never-closed-"));
    expect(await run({ registry: "snapshot", dir, at: registered.uri })).toEqual(hello);
    expect(readFileSync(join(dir, `${Greeter.name}.json`), "utf8")).toContain(plain);
    rmSync(dir, { recursive: true });
  });
});

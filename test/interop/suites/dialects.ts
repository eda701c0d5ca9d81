import { join } from "node:path";
import { createChannel, createClient, createServer, type Metadata, type Server } from "trunkline";
import { etcd } from "trunkline/etcd";
import { Greeter } from "../../../gen/greeter/v1/greeter.rpc.ts";
import type { DialectName } from "../../../src/registry/etcd/dialects/by-name.ts";
import { hasEtcd, startEtcd } from "../../support/etcd.ts";
import { greetings } from "../../support/greeter.ts";
import { type Running, start } from "../processes.ts";
import { fromUs, type Row, rowOfChecks, type Suite, toUs } from "../row.ts";
import { goPeers, goVersion, Missing } from "../toolchain.ts";

/** A library that registers and discovers by etcd in a format of its own. */
interface Library {
  readonly suite: string;
  readonly program: string;
  readonly peer: string;
  readonly version: string;
  /** What our servers write, all under one lease; our client reads the first. */
  readonly dialects: readonly DialectName[];
}

const libraries: readonly Library[] = [
  {
    suite: "etcd-naming",
    program: "stock",
    peer: "grpc-go, etcd's resolver",
    version: `${goVersion("google.golang.org/grpc")}, ${goVersion("go.etcd.io/etcd/client/v3")}`,
    dialects: ["go-naming", "go-zero", "kratos", "kitex"],
  },
  {
    suite: "go-zero",
    program: "gozero",
    peer: "go-zero",
    version: goVersion("github.com/zeromicro/go-zero"),
    dialects: ["go-zero", "go-naming", "kratos", "kitex"],
  },
  {
    suite: "kratos",
    program: "kratos",
    peer: "kratos",
    version: goVersion("github.com/go-kratos/kratos/v2"),
    dialects: ["kratos", "go-naming", "go-zero", "kitex"],
  },
];

async function ourServer(name: string, url: string, dialects: readonly DialectName[]): Promise<Server> {
  const registry = etcd(url, { dialects });
  const server = createServer({ registry, drain: { quietMs: 300 } }).add(Greeter, {
    ...greetings,
    sayHello(request, context) {
      context.header = { "served-by": name };
      return { message: `Hello ${request.name}` };
    },
  });
  await server.listen("127.0.0.1:0");
  await server.registered;
  return server;
}

/** Who has served, call by call; whatever keeps calling adds to it. */
interface Calls {
  servedBy(): readonly string[];
  failures(): readonly string[];
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`${what} did not come about within 15 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const seen = (calls: Calls, ...names: readonly string[]) =>
  until(`calls to ${names}`, () => names.every((name) => calls.servedBy().includes(name)));

/** Resolves when the next 60 calls have gone elsewhere. */
async function unseen(calls: Calls, name: string): Promise<void> {
  await until(`calls without ${name}`, () => {
    const latest = calls.servedBy().slice(-60);
    return latest.length === 60 && !latest.includes(name);
  });
}

function failed(calls: Calls): void {
  const failures = calls.failures();
  if (failures.length > 0) throw new Error(`${failures.length} calls failed: ${failures.slice(0, 3).join("; ")}`);
}

const callsOf = (program: Running): Calls => {
  const lines = (pattern: RegExp) => [...program.output.matchAll(pattern)].map((match) => match[1] ?? "");
  return { servedBy: () => lines(/^served by (.*)$/gm), failures: () => lines(/^failed: (.*)$/gm) };
};

async function theirClient({ suite, program, peer, version, dialects }: Library): Promise<Row> {
  const programs = await goPeers();
  await using stack = new AsyncDisposableStack();
  const { urls, stop } = await startEtcd();
  stack.defer(stop);
  const url = urls[0] ?? "";
  const serve = async (name: string) => stack.use(await ourServer(name, url, dialects));
  const [, leaver] = await Promise.all(["a", "b", "c"].map(serve));
  const client = start(join(programs, program), ["calls"], { env: { ETCD: url } });
  stack.defer(() => client.stop());
  const calls = callsOf(client);
  return await rowOfChecks(
    { suite, peer, version, direction: toUs(peer), transport: "http2" },
    {
      "three servers share the calls": () => seen(calls, "a", "b", "c"),
      "a server that leaves is called no more": async () => {
        await leaver?.close();
        await unseen(calls, "b");
      },
      "a server that comes is called": async () => {
        await serve("d");
        await seen(calls, "d");
      },
      "no call has failed": () => failed(calls),
    },
  );
}

/** Calls one after the other until it is stopped. */
function keepCalling(url: string, dialects: readonly DialectName[]): Calls & AsyncDisposable {
  const channel = createChannel({ registry: etcd(url, { dialects }) });
  const greeter = createClient(Greeter, channel);
  const servedBy: string[] = [];
  const failures: string[] = [];
  let calling = true;
  const onHeader = (header: Metadata): void => void servedBy.push(header.get("served-by") ?? "?");
  const loop = (async () => {
    while (calling) {
      await greeter
        .sayHello({ name: "you" }, { timeoutMs: 5_000, onHeader })
        .catch((error) => failures.push(`${error}`));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    servedBy: () => servedBy,
    failures: () => failures,
    async [Symbol.asyncDispose]() {
      calling = false;
      await loop;
      await channel.close();
    },
  };
}

async function theirServers({ suite, program, peer, version, dialects }: Library): Promise<Row> {
  const programs = await goPeers();
  await using stack = new AsyncDisposableStack();
  const { urls, stop } = await startEtcd();
  stack.defer(stop);
  const url = urls[0] ?? "";
  const serve = async (name: string): Promise<Running> => {
    const server = start(join(programs, program), ["server"], { env: { ETCD: url, NAME: name } });
    stack.defer(() => server.stop());
    const [, address = ""] = await server.printed(/listening on (\S+)/);
    // Some say so, and register, a moment before they listen.
    await using direct = createChannel({ endpoints: [address] });
    await direct.ready(Greeter);
    return server;
  };
  const [leaver] = await Promise.all([serve("a"), serve("b")]);
  const calls = stack.use(keepCalling(url, dialects.slice(0, 1)));
  return await rowOfChecks(
    { suite, peer, version, direction: fromUs(peer), transport: "http2" },
    {
      "two servers share the calls": () => seen(calls, "a", "b"),
      "a server that leaves is called no more": async () => {
        await leaver?.stop();
        await unseen(calls, "a");
      },
      "a server that comes is called": async () => {
        await serve("c");
        await seen(calls, "c");
      },
      "no call has failed": () => failed(calls),
    },
  );
}

export const dialectSuites: readonly Suite[] = libraries.map((library) => ({
  name: library.suite,
  what: `servers coming and going in etcd, as ${library.peer} writes and reads them, both ways`,
  async *run() {
    if (!hasEtcd) throw new Missing("etcd is not installed");
    yield theirClient(library);
    yield theirServers(library);
  },
}));

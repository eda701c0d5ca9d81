import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Code } from "../../../src/core/code.ts";
import { now } from "../../../src/core/deadline.ts";
import { parseAddress } from "../../../src/core/endpoint.ts";
import type { RpcError } from "../../../src/core/rpc-error.ts";
import { createProxy } from "../../support/proxy.ts";
import { createSilentServer } from "../../support/silent-server.ts";
import {
  type Abilities,
  cancelled,
  collect,
  echo,
  event,
  expand,
  failure,
  payload,
  readUntilCancelled,
  reply,
  responses,
  texts,
  type World,
  watch,
} from "./world.ts";

/** How a peer finds its server, loses it and finds it again. */
export function connections(world: () => World, abilities: Abilities): void {
  test("a peer connects by itself, and says when it is ready", async () => {
    const here = world();
    const { address } = await here.serve();
    const { changed, until } = watch();
    const states: string[] = [];
    const peer = here.dial(address, {
      changed() {
        states.push(peer.state);
        changed();
      },
    });
    expect(peer).toMatchObject({ state: "connecting", ready: false, inflight: 0 });
    await until(() => peer.ready);
    expect(peer).toMatchObject({ state: "ready", reason: undefined });
    expect(states).toEqual(["ready"]);
    expect(peer.endpoint.address).toBe(address);
  });

  test("a call waits for a connection that is being made", async () => {
    const { peer } = await world().pair();
    expect(peer.ready).toBe(false);
    expect((await echo(peer)).response).toEqual(payload("hello"));
  });

  test("a port that nobody listens on is UNAVAILABLE at once, and no server has seen the call", async () => {
    const here = world();
    const { address, listener } = await closedPort(here);
    expect(listener.address).toBe(address);
    const { changed, until } = watch();
    const peer = here.dial(address, { changed, connectTimeoutMs: 60_000 });
    const error = await failure(echo(peer));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    expect(error.message).toContain(address);
    expect(error.message).toContain("connection refused");
    await until(() => peer.state === "failed");
    expect(peer.reason).toContain("connection refused");
    expect(peer.inflight).toBe(0);
  });

  test("a peer finds its server when it comes up later, and after it was gone", async () => {
    const here = world();
    const { address } = await closedPort(here);
    const { changed, until } = watch();
    const peer = here.dial(address, { changed });
    await until(() => peer.state === "failed");
    const listener = await here.serve({}, {}, address);
    await until(() => peer.ready);
    await echo(peer);
    await listener.close();
    await until(() => !peer.ready);
    await here.serve({}, {}, address);
    await until(() => peer.ready);
    expect((await echo(peer)).response).toEqual(payload("hello"));
  });

  test("a call in flight when the connection breaks is UNAVAILABLE, and may have been worked on", async () => {
    const here = world();
    const began = event();
    const ended = event<RpcError>();
    const listener = await here.serve({
      async echo(one) {
        began.happen();
        ended.happen(await failure(cancelled(one)));
        return reply(one.request);
      },
    });
    const { changed, until } = watch();
    const way = await here.cuttable(listener.address);
    const peer = here.dial(way.address, { changed });
    const result = echo(peer);
    await began.happened;
    way.cut();
    expect(await failure(result)).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: false });
    expect((await ended.happened).code).toBe(Code.CANCELLED);
    await until(() => peer.ready);
    expect(listener.inflight).toBe(0);
  });

  test("streams that are open when the connection breaks end on both sides", async () => {
    const here = world();
    const ended = event<RpcError>();
    const releasedByServer = event();
    const listener = await here.serve({
      async collect(one) {
        ended.happen(await readUntilCancelled(one));
        return reply({ count: 0, bytes: 0n });
      },
      expand: () => reply(endless(releasedByServer)),
    });
    const way = await here.cuttable(listener.address);
    const peer = here.dial(way.address);
    const stream = responses(await expand(peer));
    await stream.next();
    const releasedByClient = event();
    const collected = collect(peer, endless(releasedByClient));
    await echo(peer);
    way.cut();
    expect((await failure(texts(stream))).code).toBe(Code.UNAVAILABLE);
    expect((await failure(collected)).code).toBe(Code.UNAVAILABLE);
    expect((await ended.happened).code).toBe(Code.CANCELLED);
    await Promise.all([releasedByServer.happened, releasedByClient.happened]);
    expect(peer.inflight).toBe(0);
  });

  test("both sides count the calls that are under way", async () => {
    const go = event();
    const began = event();
    const { peer, listener } = await world().pair({
      async echo(one) {
        began.happen();
        await go.happened;
        return reply(one.request);
      },
      expand: () => reply(endless(event())),
    });
    const stream = responses(await expand(peer));
    const result = echo(peer);
    await began.happened;
    expect([peer.inflight, listener.inflight]).toEqual([2, 2]);
    go.happen();
    await result;
    expect([peer.inflight, listener.inflight]).toEqual([1, 1]);
    await stream.return?.();
    expect(peer.inflight).toBe(0);
    await echo(peer);
    expect(listener.inflight).toBe(0);
  });

  test("a port that is taken is UNAVAILABLE and named", async () => {
    const here = world();
    const { address } = await here.serve();
    const error = await failure(here.serve({}, {}, address));
    expect(error.code).toBe(Code.UNAVAILABLE);
    expect(error.message).toContain(`cannot listen on ${address}: the port is in use`);
  });

  test("what is no address is refused by name", async () => {
    await expect(world().serve({}, {}, "here")).rejects.toThrow('"here" is no address');
  });

  test("several peers of one server each have a connection of their own", async () => {
    const here = world();
    const callers = new Set<string | undefined>();
    const listener = await here.serve({
      echo(one) {
        callers.add(one.caller?.address);
        return reply(one.request);
      },
    });
    await Promise.all(Array.from({ length: 3 }, () => echo(here.dial(listener.address))));
    expect(callers.size).toBe(3);
  });

  if (abilities.sockets) socketConnections(world);
}

function socketConnections(world: () => World): void {
  test("a server that takes the connection and says nothing is UNAVAILABLE after connectTimeoutMs", async () => {
    const here = world();
    const server = await createSilentServer();
    here.after(() => server.close());
    const accepted = server.accepted();
    const started = now();
    const peer = here.dial(server.address, { connectTimeoutMs: 80 });
    const error = await failure(echo(peer));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    expect(error.message).toContain("80 ms");
    expect(now() - started).toBeGreaterThanOrEqual(79);
    const socket = await accepted;
    if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  });

  test("a peer that falls silent is given up after keepaliveMs and keepaliveTimeoutMs", async () => {
    const here = world();
    const began = event();
    const listener = await here.serve({
      async echo(one) {
        began.happen();
        return cancelled(one);
      },
    });
    const proxy = await createProxy(listener.address);
    here.after(() => proxy.close());
    const { changed, until } = watch();
    const peer = here.dial(proxy.address, { changed, keepaliveMs: 200, keepaliveTimeoutMs: 200 });
    const result = echo(peer);
    await began.happened;
    proxy.drop();
    expect(await failure(result)).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: false });
    await until(() => !peer.ready);
  });

  test("a peer that answers pings is kept, however long a call takes", async () => {
    const here = world();
    const listener = await here.serve({
      async echo(one) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return reply(one.request);
      },
    });
    const peer = here.dial(listener.address, { keepaliveMs: 20, keepaliveTimeoutMs: 2000 });
    expect((await echo(peer)).response).toEqual(payload("hello"));
    expect(peer.ready).toBe(true);
  });

  test("a server that speaks something else is UNAVAILABLE, and no server has seen the call", async () => {
    const here = world();
    for (const words of ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-OpenSSH\r\n", ""]) {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.end(words);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      here.after(() => server.close());
      const { port } = server.address() as AddressInfo;
      const error = await failure(echo(here.dial(`127.0.0.1:${port}`, { connectTimeoutMs: 10_000 })));
      expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    }
  });

  test("what is no HTTP/2 on the port does not disturb the others", async () => {
    const here = world();
    const { peer, listener } = await pairOf(here);
    const { host, port } = parseAddress(listener.address);
    for (const words of [
      "GET / HTTP/1.1\r\n\r\n",
      "\u0000\u0001\u0002".repeat(1000),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxx",
    ]) {
      const socket = connect(port, host);
      socket.on("error", () => {});
      socket.resume();
      const closed = once(socket, "close");
      socket.end(words);
      await closed;
      expect((await echo(peer)).response).toEqual(payload("hello"));
    }
  });

  test("a host that does not exist is UNAVAILABLE and says so", async () => {
    const error = await failure(echo(world().dial("no-such-host.invalid:50051")));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    expect(error.message).toMatch(/no-such-host\.invalid:50051: .*(not found|ENOTFOUND|resol)/i);
  });

  test("localhost is an address", async () => {
    const here = world();
    const listener = await here.serve({}, {}, "localhost:0");
    expect(listener.address).toMatch(/^localhost:\d+$/);
    expect((await echo(here.dial(listener.address))).response).toEqual(payload("hello"));
  });

  test("an IPv6 address in brackets is one", async () => {
    const here = world();
    const seen = event<string | undefined>();
    const listener = await here.serve(
      {
        echo(one) {
          seen.happen(one.caller?.address);
          return reply(one.request);
        },
      },
      {},
      "[::1]:0",
    );
    expect(listener.address).toMatch(/^\[::1\]:[1-9]\d*$/);
    await echo(here.dial(listener.address));
    expect(await seen.happened).toMatch(/^\[::1\]:\d+$/);
  });

  test("a Unix socket is an address", async () => {
    const here = world();
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    here.after(() => rmSync(folder, { recursive: true }));
    const address = `unix:${join(folder, "probe.sock")}`;
    const listener = await here.serve({}, {}, address);
    expect(listener.address).toBe(address);
    expect((await echo(here.dial(address))).response).toEqual(payload("hello"));
    await listener.close();
  });
}

async function pairOf(here: World) {
  const listener = await here.serve();
  return { listener, peer: here.dial(listener.address) };
}

/** An address that was free a moment ago. */
async function closedPort(here: World) {
  const listener = await here.serve();
  await listener.close();
  return { address: listener.address, listener };
}

async function* endless(released: { happen(): void }) {
  try {
    for (;;) yield payload("again", 100);
  } finally {
    released.happen();
  }
}

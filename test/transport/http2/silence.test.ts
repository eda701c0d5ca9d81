import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { balance } from "../../../src/balance/balance.ts";
import { Call } from "../../../src/core/call.ts";
import type { Peer } from "../../../src/core/transport.ts";
import { staticRegistry } from "../../../src/registry/static.ts";
import { Flag, FrameType } from "../../../src/transport/http2/frame.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { cancelled, createWorld, echo, failure, payload, reply, watch } from "../../contract/transport/world.ts";
import { createProxy } from "../../support/proxy.ts";
import { literals, type RawPeer, rawServer } from "./raw-peer.ts";

const world = createWorld(() => ({ transport: http2() }));

/** Asks after 25 ms, takes for silent 500 ms later, and for dead after 2.1 s. */
const pings = { keepaliveMs: 100, keepaliveTimeoutMs: 2_000 };

test("a server that falls silent is so long before it is given up, and ready as soon as it is heard", async () => {
  const here = world();
  const { address } = await here.serve();
  const proxy = await createProxy(address);
  here.after(() => proxy.close());
  const states: Peer["state"][] = [];
  const { changed, until } = watch();
  const peer = here.dial(proxy.address, {
    ...pings,
    changed: () => {
      states.push(peer.state);
      changed();
    },
  });
  await echo(peer);
  proxy.stall();
  const slow = echo(peer);
  await until(() => peer.state === "silent");
  expect(peer).toMatchObject({ ready: false, reason: "it does not answer", inflight: 1 });
  proxy.pass();
  expect((await slow).response).toEqual(payload("hello"));
  expect(states).toEqual(["ready", "silent", "ready"]);
});

test("a silent server can be called, and is given up at last", async () => {
  const here = world();
  const { address } = await here.serve({ echo: (call) => cancelled(call) });
  const proxy = await createProxy(address);
  here.after(() => proxy.close());
  const { changed, until } = watch();
  const peer = here.dial(proxy.address, { keepaliveMs: 100, keepaliveTimeoutMs: 300, changed });
  await until(() => peer.ready);
  proxy.drop();
  const first = failure(echo(peer));
  await until(() => peer.state === "silent");
  const second = failure(echo(peer));
  expect(peer.inflight).toBe(2);
  for (const lost of [await first, await second]) {
    expect(lost.message).toContain("no answer to a ping within 300 ms");
    expect(lost.unprocessed).toBe(false);
  }
  expect(peer.state).not.toBe("silent");
});

test("a server whose answers take long, but which answers pings, is never silent", async () => {
  const here = world();
  const states: Peer["state"][] = [];
  const { peer } = await here.pair(
    {
      async echo(call) {
        await sleep(400);
        return reply(call.request);
      },
    },
    { connect: { keepaliveMs: 40, keepaliveTimeoutMs: 1_000, changed: () => states.push(peer.state) } },
  );
  await Promise.all([echo(peer), echo(peer)]);
  expect(states).toEqual(["ready"]);
});

test("an event loop of our own that stood still makes nobody silent", async () => {
  const here = world();
  const states: Peer["state"][] = [];
  const { peer } = await here.pair(
    {
      async echo(call) {
        await sleep(100);
        return reply(call.request);
      },
    },
    { connect: { keepaliveMs: 80, keepaliveTimeoutMs: 200, changed: () => states.push(peer.state) } },
  );
  await echo(peer);
  const call = echo(peer);
  // The ping goes after 20 ms, and its answer waits for us.
  await sleep(40);
  const untilMs = performance.now() + 500;
  while (performance.now() < untilMs);
  await call;
  expect(states).toEqual(["ready"]);
});

test("calls walk around a silent server, and go to it when there is no other", async () => {
  const here = world();
  const start = async () => {
    let calls = 0;
    const { address } = await here.serve({
      echo(call) {
        calls++;
        return reply(call.request);
      },
    });
    const proxy = await createProxy(address);
    here.after(() => proxy.close());
    return { proxy, calls: () => calls };
  };
  const [one, other] = [await start(), await start()];
  const { changed, until } = watch();
  const transport = http2();
  const balanced = balance({
    resolver: staticRegistry([{ address: one.proxy.address }, { address: other.proxy.address }]),
    connect: (endpoint, tell) =>
      transport.connect(endpoint, {
        keepaliveMs: 100,
        keepaliveTimeoutMs: 4_000,
        changed: () => {
          tell();
          changed();
        },
      }),
  });
  here.after(() => balanced.close());
  const call = () => balanced.handle(new Call({ method: Probe.methods.echo, request: payload() }));
  const many = (count: number) => Promise.all(Array.from({ length: count }, call));
  const states = () => balanced.peers(Probe.methods.echo.service).map(({ state }) => state);
  await many(1);
  await until(() => states().every((state) => state === "ready"));

  one.proxy.stall();
  const held = [call(), call()];
  await until(() => states().includes("silent"));
  const before = other.calls();
  await many(20);
  expect(other.calls()).toBe(before + 20);

  other.proxy.stall();
  held.push(call());
  await until(() => states().every((state) => state === "silent"));
  held.push(call(), call());
  one.proxy.pass();
  other.proxy.pass();
  await Promise.all(held);
  await until(() => states().every((state) => state === "ready"));
});

test("it asks once after a short silence, and again only after a long one, as gRPC servers ask", async () => {
  let asked = 0;
  const served = Promise.withResolvers<RawPeer>();
  const server = await rawServer((peer) => {
    served.resolve(peer);
    void answerPings(peer, () => asked++).catch(() => {});
  });
  const here = world();
  here.after(() => server.close());
  // After 250 ms of silence, and then after 6 s.
  const peer = here.dial(server.address, { keepaliveMs: 1_000, keepaliveTimeoutMs: 5_000 });
  const result = failure(echo(peer));
  const raw = await served.promise;
  const { id } = await raw.frame(({ type }) => type === FrameType.HEADERS);
  while (asked < 1) await sleep(10);
  // A window update is no reply: such a server goes on counting.
  raw.send(FrameType.WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1));
  await sleep(700);
  expect(asked).toBe(1);
  // Headers are: it may be asked anew.
  raw.send(FrameType.HEADERS, Flag.END_HEADERS, id, literals({ ":status": "200", "content-type": "application/grpc" }));
  while (asked < 2) await sleep(10);
  raw.socket.destroy();
  await result;
});

async function answerPings(peer: RawPeer, asked: () => void): Promise<void> {
  for (;;) {
    const { payload: data } = await peer.frame(
      ({ type, flags }) => type === FrameType.PING && (flags & Flag.ACK) === 0,
    );
    asked();
    peer.send(FrameType.PING, Flag.ACK, 0, data);
  }
}

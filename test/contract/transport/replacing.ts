import { expect, test } from "vitest";
import { now } from "../../../src/core/deadline.ts";
import { createProxy } from "../../support/proxy.ts";
import { createShortServer } from "../../support/short-server.ts";
import { cancelled, echo, event, failure, payload, reply, type World, watch } from "./world.ts";

/** How a peer replaces a connection that was of use, and one that died while it was idle. */
export function replacing(world: () => World): void {
  test("a server that takes one call a connection costs each call a connection, and no wait", async () => {
    const here = world();
    const server = await createShortServer({ calls: 1 });
    here.after(() => server.close());
    const peer = here.dial(server.address);
    const started = now();
    for (let i = 0; i < 30; i++) expect((await echo(peer)).response).toEqual(payload("hello"));
    // With the backoff of tries that fail it took half a minute.
    expect(now() - started).toBeLessThan(10_000);
    expect(server.connections).toBeGreaterThanOrEqual(30);
  });

  test("calls that a server which goes has not looked at are made on the next connections", async () => {
    const here = world();
    const server = await createShortServer({ calls: 2 });
    here.after(() => server.close());
    const peer = here.dial(server.address);
    const texts = Array.from({ length: 12 }, (_, i) => `${i}`);
    const replies = await Promise.all(texts.map((text) => echo(peer, payload(text))));
    expect(replies.map(({ response }) => response)).toEqual(texts.map((text) => payload(text)));
    expect(server.connections).toBeGreaterThanOrEqual(6);
    expect(peer.inflight).toBe(0);
  });

  test("a server whose connections are young when they go loses no call, and holds none up", async () => {
    const here = world();
    const server = await createShortServer({ ageMs: 60 });
    here.after(() => server.close());
    const peer = here.dial(server.address);
    const until = now() + 1_500;
    let calls = 0;
    while (now() < until) {
      expect((await echo(peer)).response).toEqual(payload("hello"));
      calls++;
    }
    expect(server.connections).toBeGreaterThan(8);
    expect(calls).toBeGreaterThan(server.connections * 3);
  });

  test("a server that closes what it accepts, for ever, is not dialled without a pause", async () => {
    const here = world();
    const server = await createShortServer({ calls: 0 });
    here.after(() => server.close());
    const peer = here.dial(server.address);
    const until = now() + 1_000;
    while (now() < until) {
      await failure(echo(peer));
      await new Promise(setImmediate);
    }
    expect(server.connections).toBeLessThanOrEqual(13);
  });

  test("a connection that is lost after a call was answered is replaced at once", async () => {
    const here = world();
    const { address } = await here.serve();
    const proxy = await createProxy(address);
    here.after(() => proxy.close());
    const { changed, until } = watch();
    const peer = here.dial(proxy.address, { changed });
    const started = now();
    for (let i = 0; i < 10; i++) {
      await echo(peer);
      proxy.cut();
      await until(() => !peer.ready);
      await until(() => peer.ready);
    }
    expect(now() - started).toBeLessThan(3_000);
  });

  test("closing in time cuts connections too that only bring their last calls to an end", async () => {
    const here = world();
    const began = event();
    const ended = event();
    const listener = await here.serve({
      async echo(call) {
        began.happen();
        await failure(cancelled(call));
        ended.happen();
        return reply(call.request);
      },
    });
    const { changed, until } = watch();
    const peer = here.dial(listener.address, { changed });
    const result = failure(echo(peer));
    await began.happened;
    listener.drain();
    await until(() => !peer.ready);
    await peer.close(20);
    await result;
    await ended.happened;
    // Once the connection is seen to be gone.
    await expect.poll(() => listener.inflight).toBe(0);
  });

  test("an idle connection that died without a word costs the next call a new connection, and not the call", async () => {
    const here = world();
    let calls = 0;
    const { address } = await here.serve({
      echo(call) {
        calls++;
        return reply(call.request);
      },
    });
    const proxy = await createProxy(address);
    here.after(() => proxy.close());
    const { changed, until } = watch();
    const peer = here.dial(proxy.address, { confirmIdleMs: 50, changed });
    await until(() => peer.ready);
    await echo(peer);
    proxy.drop();
    proxy.pass();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const before = proxy.accepted;
    const held = Array.from({ length: 5 }, () => echo(peer));
    for (const { response } of await Promise.all(held)) expect(response).toEqual(payload("hello"));
    expect(calls).toBe(6);
    expect(proxy.accepted).toBe(before + 1);
    expect(peer.inflight).toBe(0);
  });

  test("an idle connection that lives is used again", async () => {
    const here = world();
    const { address } = await here.serve();
    const proxy = await createProxy(address);
    here.after(() => proxy.close());
    const peer = here.dial(proxy.address, { confirmIdleMs: 20 });
    for (let i = 0; i < 4; i++) {
      await Promise.all([echo(peer), echo(peer)]);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(proxy.accepted).toBe(1);
  });

  test("a call that is held for an idle connection ends with its deadline", async () => {
    const here = world();
    const { address } = await here.serve();
    const proxy = await createProxy(address);
    here.after(() => proxy.close());
    const peer = here.dial(proxy.address, { confirmIdleMs: 20 });
    await echo(peer);
    proxy.drop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const error = await failure(echo(peer, payload(), { deadline: now() + 50 }));
    expect(error.codeName).toBe("DEADLINE_EXCEEDED");
    expect(peer.inflight).toBe(0);
  });

  test("keepalive without calls finds a connection that died while it was idle", async () => {
    const here = world();
    const { address } = await here.serve();
    const proxy = await createProxy(address);
    here.after(() => proxy.close());
    const { changed, until } = watch();
    const peer = here.dial(proxy.address, {
      changed,
      keepaliveWithoutCalls: true,
      keepaliveMs: 50,
      keepaliveTimeoutMs: 100,
    });
    await until(() => peer.ready);
    proxy.drop();
    proxy.pass();
    await until(() => proxy.accepted === 2 && peer.ready);
    expect((await echo(peer)).response).toEqual(payload("hello"));
  });
}

import { expect, test } from "vitest";
import { Code } from "../../../src/core/code.ts";
import type { RpcError } from "../../../src/core/rpc-error.ts";
import {
  cancelled,
  collect,
  echo,
  event,
  expand,
  failure,
  payload,
  reply,
  requests,
  responses,
  texts,
  type World,
  watch,
} from "./world.ts";

/** How either side leaves. */
export function shutdown(world: () => World): void {
  test("a peer that closes lets its calls finish and refuses new ones as unprocessed", async () => {
    const { began, go, answer } = held();
    const { peer } = await world().pair({ echo: answer });
    const result = echo(peer, payload("in flight"));
    await began.happened;
    const closed = peer.close();
    expect(peer).toMatchObject({ state: "closed", ready: false });
    expect(await failure(echo(peer))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    go.happen();
    expect((await result).response).toEqual(payload("in flight"));
    await closed;
    await peer.close();
  });

  test("a peer that closes lets its streams end", async () => {
    const go = event();
    const { peer } = await world().pair({
      expand: () =>
        reply(
          (async function* () {
            yield payload("1");
            await go.happened;
            yield payload("2");
          })(),
        ),
    });
    const stream = responses(await expand(peer));
    const closed = peer.close();
    go.happen();
    expect(await texts(stream)).toEqual(["1", "2"]);
    await closed;
  });

  test("a peer that was closed while it was connecting is closed", async () => {
    const here = world();
    const { address } = await here.serve();
    const peer = here.dial(address);
    await peer.close();
    expect(peer.state).toBe("closed");
    expect((await failure(echo(peer))).unprocessed).toBe(true);
  });

  test("a listener that drains lets calls finish, takes no connections, and tells its clients to go", async () => {
    const here = world();
    const { began, go, answer } = held();
    const listener = await here.serve({ echo: answer });
    const { changed, until } = watch();
    const peer = here.dial(listener.address, { changed });
    const result = echo(peer, payload("in flight"));
    await began.happened;
    listener.drain();
    listener.drain();
    await until(() => !peer.ready);
    const late = here.dial(listener.address);
    expect(await failure(echo(late))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    expect(listener.inflight).toBe(1);
    go.happen();
    expect((await result).response).toEqual(payload("in flight"));
    // Once the client has said that it has the answer.
    await expect.poll(() => listener.inflight).toBe(0);
  });

  test("pings do not end the calls that a draining server lets finish", async () => {
    const here = world();
    const began = event();
    const pings = { keepaliveMs: 20, keepaliveTimeoutMs: 2000 };
    const listener = await here.serve(
      {
        async echo(one) {
          began.happen();
          await new Promise((resolve) => setTimeout(resolve, 300));
          return reply(one.request);
        },
      },
      pings,
    );
    const { changed, until } = watch();
    const peer = here.dial(listener.address, { changed, ...pings });
    const result = echo(peer, payload("in flight"));
    await began.happened;
    listener.drain();
    await until(() => !peer.ready);
    expect((await result).response).toEqual(payload("in flight"));
  });

  test("a listener that drains lets streams go on in both directions", async () => {
    const here = world();
    const go = event();
    const listener = await here.serve();
    const { changed, until } = watch();
    const peer = here.dial(listener.address, { changed });
    async function* messages() {
      yield payload("1");
      await go.happened;
      yield payload("2");
    }
    const result = collect(peer, messages());
    await echo(peer);
    listener.drain();
    await until(() => !peer.ready);
    go.happen();
    expect((await result).response).toEqual({ count: 2, bytes: 0n });
  });

  test("calls made while the server drains reach the next one at its address, none of them twice", async () => {
    const here = world();
    let handled = 0;
    const answers = {
      async echo(one: { request: unknown }) {
        handled += 1;
        await new Promise(setImmediate);
        return reply(one.request);
      },
    };
    const first = await here.serve(answers);
    const { changed, until } = watch();
    const peer = here.dial(first.address, { changed });
    await echo(peer);
    handled = 0;
    const results = Array.from({ length: 50 }, () =>
      echo(peer).then(
        () => undefined,
        (error: RpcError) => error,
      ),
    );
    first.drain();
    await until(() => !peer.ready);
    await here.serve(answers, {}, first.address);
    await until(() => peer.ready);
    await echo(peer);
    const errors = (await Promise.all(results)).filter((error) => error !== undefined);
    expect(errors.filter(({ unprocessed }) => !unprocessed)).toEqual([]);
    expect(handled).toBe(51 - errors.length);
  });

  test("a listener that closes ends what is left with UNAVAILABLE, and its handlers see it", async () => {
    const unaryEnded = event<RpcError>();
    const streamEnded = event<RpcError>();
    const began = [event(), event()] as const;
    const { peer, listener } = await world().pair({
      async echo(one) {
        began[0].happen();
        const reason = await failure(cancelled(one));
        unaryEnded.happen(reason);
        throw reason;
      },
      async collect(one) {
        began[1].happen();
        streamEnded.happen(await failure(texts(requests(one))));
        return reply({ count: 0, bytes: 0n });
      },
    });
    const unary = failure(echo(peer));
    const released = event();
    const streaming = failure(collect(peer, waiting(released)));
    await Promise.all(began.map(({ happened }) => happened));
    await Promise.all([listener.close(), listener.close()]);
    for (const error of await Promise.all([unary, streaming])) {
      expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: false });
      expect(error.message).toContain("shutting down");
    }
    expect((await unaryEnded.happened).code).toBe(Code.UNAVAILABLE);
    expect((await streamEnded.happened).code).toBe(Code.UNAVAILABLE);
    expect(listener.inflight).toBe(0);
    await released.happened;
  });

  test("a listener closes though a client does not read what it is sent", async () => {
    const { peer, listener } = await world().pair();
    const stream = responses(await expand(peer, { count: 1000, size: 16 * 1024 }));
    await listener.close();
    const reading = async (): Promise<void> => {
      for await (const _ of stream);
    };
    expect((await failure(reading())).code).toBe(Code.UNAVAILABLE);
  });

  test("a listener that was closed frees its port", async () => {
    const here = world();
    const { address, close } = await here.serve();
    await close();
    await close();
    const again = await here.serve({}, {}, address);
    expect((await echo(here.dial(again.address))).response).toEqual(payload("hello"));
  });
}

/** A handler that says when it began, and answers when it is let go. */
function held() {
  const began = event();
  const go = event();
  const answer = async (one: { request: unknown }) => {
    began.happen();
    await go.happened;
    return reply(one.request);
  };
  return { began, go, answer };
}

/** One message and then silence, and word of it when no more are wanted. */
async function* waiting(released: { happen(): void }) {
  try {
    for (;;) yield payload();
  } finally {
    released.happen();
  }
}

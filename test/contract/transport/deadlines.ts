import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import { deadlineAfter, now } from "../../../src/core/deadline.ts";
import type { RpcError } from "../../../src/core/rpc-error.ts";
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
  reply,
  responses,
  texts,
  type World,
} from "./world.ts";

/** Deadlines, which hold on both sides. */
export function deadlines(world: () => World, { sockets }: Abilities): void {
  test("a call whose deadline has passed is not sent", async () => {
    let called = false;
    const { peer } = await world().pair({
      echo(one) {
        called = true;
        return reply(one.request);
      },
    });
    await echo(peer);
    called = false;
    expect((await failure(echo(peer, payload(), { deadline: now() - 1 }))).code).toBe(Code.DEADLINE_EXCEEDED);
    await expand(peer);
    expect(called).toBe(false);
  });

  test("a deadline that passes ends the call on both sides", async () => {
    const seen = event<RpcError>();
    const { peer } = await world().pair({
      async echo(one) {
        const reason = await failure(cancelled(one));
        seen.happen(reason);
        throw reason;
      },
    });
    // Connected, so that the server has the call before the deadline.
    await texts(responses(await expand(peer)));
    const deadline = deadlineAfter(100);
    const error = await failure(echo(peer, payload(), { deadline }));
    // Whichever side's timer comes first; one of Node's may be a millisecond early.
    expect(now()).toBeGreaterThanOrEqual(deadline - 1);
    expect(error).toMatchObject({ code: Code.DEADLINE_EXCEEDED, unprocessed: false });
    expect(error.message).toMatch(/deadline/i);
    // The client's own word that it gave up may come first, and be taken for what it is.
    expect([Code.DEADLINE_EXCEEDED, Code.CANCELLED]).toContain((await seen.happened).code);
    expect(peer.inflight).toBe(0);
  });

  test("a deadline that passes in the middle of a stream throws to its reader", async () => {
    const released = event();
    const { peer } = await world().pair({
      expand: (one) =>
        reply(
          (async function* () {
            try {
              yield payload("first");
              await cancelled(one);
            } finally {
              released.happen();
            }
          })(),
        ),
    });
    await echo(peer);
    const stream = responses(await expand(peer, {}, { deadline: deadlineAfter(500) }));
    expect((await stream.next()).value).toEqual(payload("first"));
    expect((await failure(stream.next())).code).toBe(Code.DEADLINE_EXCEEDED);
    await released.happened;
  });

  test("a deadline that passes lets go of the requests", async () => {
    const { peer } = await world().pair({ collect: cancelled });
    const released = event();
    async function* endless(): AsyncGenerator<Payload> {
      try {
        for (;;) yield payload("again");
      } finally {
        released.happen();
      }
    }
    await echo(peer);
    const error = await failure(collect(peer, endless(), { deadline: deadlineAfter(100) }));
    expect(error.code).toBe(Code.DEADLINE_EXCEEDED);
    await released.happened;
  });

  test("a handler sees what is left", async () => {
    const seen = event<number>();
    const { peer } = await world().pair({
      echo(one) {
        seen.happen(one.remainingMs);
        return reply(one.request);
      },
    });
    await echo(peer, payload(), { deadline: deadlineAfter(30_000) });
    const remaining = await seen.happened;
    expect(remaining).toBeLessThanOrEqual(30_001);
    expect(remaining).toBeGreaterThan(20_000);
  });

  test("a handler of a call without a deadline sees none", async () => {
    const seen = event<number>();
    const { peer } = await world().pair({
      echo(one) {
        seen.happen(one.remainingMs);
        return reply(one.request);
      },
    });
    await echo(peer);
    expect(await seen.happened).toBe(Number.POSITIVE_INFINITY);
  });

  test("a deadline further away than a timer reaches is one", async () => {
    const { peer } = await world().pair({
      // Long enough for a timer that rings at once.
      echo: (one) => new Promise((resolve) => setTimeout(resolve, 30, reply(one.request))),
    });
    const dayMs = 86_400_000;
    const calls = [24, 25, 28, 40, 60, 1000].map(async (days) => {
      const { response } = await echo(peer, payload(`${days} days`), { deadline: deadlineAfter(days * dayMs) });
      expect(response).toEqual(payload(`${days} days`));
    });
    await Promise.all(calls);
  });

  if (sockets) {
    test("a deadline bounds the wait for a connection", async () => {
      const here = world();
      const server = await createSilentServer();
      here.after(() => server.close());
      const peer = here.dial(server.address, { connectTimeoutMs: 60_000 });
      const error = await failure(echo(peer, payload(), { deadline: deadlineAfter(50) }));
      expect(error.code).toBe(Code.DEADLINE_EXCEEDED);
      expect(error.message).toContain(server.address);
      expect(peer.inflight).toBe(0);
    });
  }
}

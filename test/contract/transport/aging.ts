import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Code } from "../../../src/core/code.ts";
import { now } from "../../../src/core/deadline.ts";
import type { RpcError } from "../../../src/core/rpc-error.ts";
import { cancelled, echo, event, expand, failure, payload, reply, responses, type World, watch } from "./world.ts";

const jitter = 0.1;

/** How a server sends connections away that are old or idle. */
export function aging(world: () => World): void {
  test("500 calls a second through connections that last half a second: none is lost", async () => {
    const connections = new Set<string | undefined>();
    const { peer } = await world().pair(
      {
        async echo(one) {
          connections.add(one.caller?.address);
          await sleep(Math.random() * 40);
          return reply(one.request);
        },
      },
      { listen: { maxConnectionAgeMs: 500 } },
    );
    await echo(peer);
    const calls: Promise<unknown>[] = [];
    // A call that no server has looked at is nobody's loss: a channel sends it again, free.
    const sent = () => echo(peer).catch((error: RpcError) => (error.unprocessed ? echo(peer) : Promise.reject(error)));
    const until = now() + 3_000;
    for (; now() < until; await sleep(10)) {
      while (calls.length < (3_000 - (until - now())) / 2) calls.push(sent());
    }
    const lost = (await Promise.allSettled(calls)).filter(({ status }) => status === "rejected");
    expect(lost).toEqual([]);
    expect(calls.length).toBeGreaterThan(1_000);
    expect(connections.size).toBeGreaterThanOrEqual(4);
  });

  test("an old connection goes neither much before its age nor after, and its calls finish", async () => {
    const go = event();
    const began = event();
    const here = world();
    const listener = await here.serve(
      {
        async echo(one) {
          began.happen();
          await go.happened;
          return reply(one.request);
        },
      },
      { maxConnectionAgeMs: 400 },
    );
    const { changed, until } = watch();
    const peer = here.dial(listener.address, { changed });
    await until(() => peer.ready);
    const since = now();
    const call = echo(peer, payload("begun before"));
    await began.happened;
    await until(() => !peer.ready);
    const lastedMs = now() - since;
    expect(lastedMs).toBeGreaterThanOrEqual(400 * (1 - jitter) - 50);
    expect(lastedMs).toBeLessThan(2_000);
    await until(() => peer.ready);
    go.happen();
    expect((await call).response).toEqual(payload("begun before"));
  });

  test("what has not finished when the grace is over is UNAVAILABLE", async () => {
    const began = event();
    const { peer } = await world().pair(
      {
        echo(one) {
          began.happen();
          return cancelled(one);
        },
      },
      { listen: { maxConnectionAgeMs: 100, maxConnectionAgeGraceMs: 100 } },
    );
    const call = echo(peer);
    await began.happened;
    expect((await failure(call)).code).toBe(Code.UNAVAILABLE);
  });

  test("an idle connection goes, one with a call under way stays", async () => {
    const here = world();
    const over = event();
    const connections = new Set<string | undefined>();
    const listener = await here.serve(
      {
        echo(one) {
          connections.add(one.caller?.address);
          return reply(one.request);
        },
        expand: () => reply(untilOver(over.happened)),
      },
      { maxConnectionIdleMs: 150 },
    );
    const { changed, until } = watch();
    const peer = here.dial(listener.address, { changed });
    const stream = responses(await expand(peer));
    await stream.next();
    await echo(peer);
    await sleep(500);
    await echo(peer);
    expect(connections.size).toBe(1);
    over.happen();
    for await (const _ of stream);
    await until(() => !peer.ready);
    await echo(peer);
    expect(connections.size).toBe(2);
  });

  test("a grace without an age is refused", async () => {
    const listening = world().serve({}, { maxConnectionAgeGraceMs: 100 });
    await expect(listening).rejects.toThrow("give maxConnectionAgeMs beside it");
  });
}

async function* untilOver(over: Promise<void>) {
  yield payload("first");
  await over;
}

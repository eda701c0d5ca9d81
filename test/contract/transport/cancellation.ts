import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import { Cancellation } from "../../../src/core/cancellation.ts";
import { Code } from "../../../src/core/code.ts";
import { NEVER, now } from "../../../src/core/deadline.ts";
import { RpcError } from "../../../src/core/rpc-error.ts";
import { createSilentServer } from "../../support/silent-server.ts";
import {
  type Abilities,
  type Answer,
  cancelled,
  collect,
  converse,
  type Event,
  echo,
  event,
  expand,
  failure,
  payload,
  readUntilCancelled,
  reply,
  requests,
  responses,
  texts,
  type World,
} from "./world.ts";

/** Cancellation, from either side and at each stage of a call. */
export function cancellation(world: () => World, abilities: Abilities): void {
  test("a call that was cancelled before is not sent", async () => {
    let called = false;
    const { peer } = await world().pair({
      echo(one) {
        called = true;
        return reply(one.request);
      },
    });
    const error = await failure(echo(peer, payload(), { cancellation: AbortSignal.abort() }));
    expect(error.code).toBe(Code.CANCELLED);
    await expand(peer);
    expect(called).toBe(false);
  });

  test("cancelling a call that is being answered ends it on both sides", async () => {
    const { began, ended, answer } = waiting();
    const { peer } = await world().pair({ echo: answer });
    const controller = new AbortController();
    const result = echo(peer, payload(), { cancellation: controller.signal });
    await began.happened;
    controller.abort();
    expect(await failure(result)).toMatchObject({ code: Code.CANCELLED, unprocessed: false });
    expect((await ended.happened).code).toBe(Code.CANCELLED);
    expect(peer.inflight).toBe(0);
  });

  test("the reason that a caller gives is the error's message", async () => {
    const { began, answer } = waiting();
    const { peer } = await world().pair({ echo: answer });
    const controller = new AbortController();
    const result = echo(peer, payload(), { cancellation: controller.signal });
    await began.happened;
    controller.abort(new Error("the user left"));
    expect(await failure(result)).toMatchObject({ code: Code.CANCELLED, message: "the user left" });
  });

  test("an AbortSignal.timeout is a deadline", async () => {
    const { answer } = waiting();
    const { peer } = await world().pair({ echo: answer });
    const error = await failure(echo(peer, payload(), { cancellation: AbortSignal.timeout(40) }));
    expect(error.code).toBe(Code.DEADLINE_EXCEEDED);
  });

  test("a call inherits the cancellation of the call that it was made in", async () => {
    const { began, ended, answer } = waiting();
    const { peer } = await world().pair({ echo: answer });
    const outer = new Cancellation();
    const result = echo(peer, payload(), { cancellation: outer });
    await began.happened;
    outer.cancel(new RpcError(Code.CANCELLED, "the outer call is over"));
    expect(await failure(result)).toMatchObject({ code: Code.CANCELLED, message: "the outer call is over" });
    await ended.happened;
  });

  test("cancelling a server stream throws to its reader and releases the handler's generator", async () => {
    const released = event();
    const { peer } = await world().pair({ expand: (one) => reply(endless(released, one.request)) });
    const controller = new AbortController();
    const stream = responses(await expand(peer, {}, { cancellation: controller.signal }));
    await stream.next();
    controller.abort();
    const rest = async (): Promise<void> => {
      for await (const _ of stream);
    };
    expect((await failure(rest())).code).toBe(Code.CANCELLED);
    await released.happened;
  });

  test("a reader that breaks off cancels the call", async () => {
    const released = event();
    const ended = event<RpcError>();
    const { peer } = await world().pair({
      expand(one) {
        one.signal?.addEventListener("abort", () => ended.happen(one.signal?.reason));
        return reply(endless(released));
      },
    });
    for await (const _ of responses(await expand(peer))) break;
    await released.happened;
    expect((await ended.happened).code).toBe(Code.CANCELLED);
    expect(peer.inflight).toBe(0);
  });

  test("a reader that breaks off while it waits cancels the call", async () => {
    const { began, ended, answer } = waiting();
    const { peer } = await world().pair({
      converse: (one) =>
        reply(
          (async function* () {
            yield payload("first");
            await answer(one);
          })(),
        ),
    });
    const stream = responses(await converse(peer, endless(event())));
    await stream.next();
    const next = stream.next();
    await began.happened;
    await stream.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    expect((await ended.happened).code).toBe(Code.CANCELLED);
  });

  test("cancelling a client stream lets go of its requests and throws to the handler's reader", async () => {
    const seen = event<RpcError>();
    const first = event();
    const { peer } = await world().pair({
      async collect(one) {
        first.happen();
        seen.happen(await readUntilCancelled(one));
        return reply({ count: 0, bytes: 0n });
      },
    });
    const released = event();
    const controller = new AbortController();
    const result = collect(peer, endless(released), { cancellation: controller.signal });
    await first.happened;
    controller.abort();
    expect((await failure(result)).code).toBe(Code.CANCELLED);
    expect((await seen.happened).code).toBe(Code.CANCELLED);
    await released.happened;
  });

  test.each(["throws", "is cancelled", "takes too long"])(
    "an upload whose source %s never looks complete",
    async (how) => {
      const outcomes: Promise<string>[] = [];
      const { peer } = await world().pair({
        async collect(one) {
          const whole = texts(requests(one));
          outcomes.push(
            whole.then(
              () => "complete",
              () => "broken",
            ),
          );
          return reply({ count: (await whole).length, bytes: 0n });
        },
      });
      const uploads = Array.from({ length: 100 }, (_, i) => {
        const controller = new AbortController();
        async function* upload(): AsyncGenerator<Payload> {
          for (let sent = 0; sent < i % 5; sent++) yield payload("part", (i * 997) % 20_000);
          if (how === "throws") throw new Error("the disk is gone");
          if (how === "is cancelled") controller.abort();
          await new Promise<never>(() => {});
        }
        const deadline = how === "takes too long" ? now() + 100 + i : NEVER;
        return failure(collect(peer, upload(), { cancellation: controller.signal, deadline }));
      });
      await Promise.all(uploads);
      // What was sent before has come before.
      await collect(peer, (async function* () {})());
      expect((await Promise.all(outcomes)).filter((outcome) => outcome === "complete")).toHaveLength(1);
    },
  );

  test("requests that wait for something of their own do not delay the cancellation", async () => {
    const { began, answer } = waiting();
    const { peer } = await world().pair({ collect: answer });
    const never = event();
    async function* stuck(): AsyncGenerator<Payload> {
      await never.happened;
      yield payload();
    }
    const controller = new AbortController();
    const result = collect(peer, stuck(), { cancellation: controller.signal });
    await began.happened;
    controller.abort();
    expect((await failure(result)).code).toBe(Code.CANCELLED);
    never.happen();
  });

  test("requests that throw cancel the call, and the caller gets what they threw", async () => {
    const began = event();
    const seen = event<RpcError>();
    const { peer } = await world().pair({
      async collect(one) {
        began.happen();
        seen.happen(await readUntilCancelled(one));
        return reply({ count: 0, bytes: 0n });
      },
    });
    async function* failing(): AsyncGenerator<Payload> {
      yield payload();
      await began.happened;
      throw new RpcError(Code.DATA_LOSS, "the file is broken");
    }
    const error = await failure(collect(peer, failing()));
    expect(error).toMatchObject({ code: Code.DATA_LOSS, message: "the file is broken" });
    expect((await seen.happened).code).toBe(Code.CANCELLED);
  });

  test("a server that fails lets go of the requests", async () => {
    const { peer } = await world().pair({
      async collect(one) {
        for await (const _ of requests(one)) throw new RpcError(Code.INVALID_ARGUMENT, "not this");
        return reply({ count: 0, bytes: 0n });
      },
    });
    const released = event();
    const error = await failure(collect(peer, endless(released)));
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, message: "not this" });
    await released.happened;
  });

  test("cancelling after the answer changes nothing", async () => {
    const { peer } = await world().pair();
    const controller = new AbortController();
    const answer = await expand(peer, { count: 2 }, { cancellation: controller.signal });
    expect(await texts(responses(answer))).toEqual(["0", "1"]);
    controller.abort();
    expect((await echo(peer)).response).toEqual(payload("hello"));
  });

  test("a handler whose call was answered is not cancelled", async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const { peer } = await world().pair({
      echo(one) {
        signals.push(one.signal);
        return reply(one.request);
      },
    });
    await echo(peer);
    await echo(peer);
    expect(signals[0]?.aborted).toBe(false);
  });

  if (abilities.sockets) {
    test("cancelling a call that waits for a connection ends it at once", async () => {
      const here = world();
      const server = await createSilentServer();
      here.after(() => server.close());
      const accepted = server.accepted();
      const peer = here.dial(server.address, { connectTimeoutMs: 60_000 });
      const controller = new AbortController();
      const result = echo(peer, payload(), { cancellation: controller.signal });
      await accepted;
      controller.abort();
      expect((await failure(result)).code).toBe(Code.CANCELLED);
      expect(peer.inflight).toBe(0);
    });
  }
}

/** A handler that says when it began, waits for its call to be cancelled, and says why it was. */
function waiting(): { began: Event; ended: Event<RpcError>; answer: Answer } {
  const began = event();
  const ended = event<RpcError>();
  const answer: Answer = async (one) => {
    began.happen();
    const reason = await failure(cancelled(one));
    ended.happen(reason);
    throw reason;
  };
  return { began, ended, answer };
}

/** Messages without an end, and word of it when they are no longer wanted. */
async function* endless(released: { happen(): void }, _request?: unknown): AsyncGenerator<Payload> {
  try {
    for (;;) yield payload("again");
  } finally {
    released.happen();
  }
}

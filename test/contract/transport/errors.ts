import { expect, test } from "vitest";
import { BadRequest } from "../../../gen/google/rpc/error_details.ts";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { Method } from "../../../src/core/method.ts";
import { detail, RpcError } from "../../../src/core/rpc-error.ts";
import {
  type Abilities,
  call,
  cancelled,
  collect,
  converse,
  echo,
  event,
  expand,
  failure,
  payload,
  probe,
  readUntilCancelled,
  reply,
  requests,
  responses,
  type World,
} from "./world.ts";

/** How what goes wrong reaches the other side. */
export function errors(world: () => World, abilities: Abilities): void {
  for (const [name, code] of Object.entries(Code)) {
    if (code === Code.OK) continue;
    test(`a handler's ${name} reaches the caller`, async () => {
      const { peer } = await world().pair({ echo: throws(new RpcError(code, `it is ${name}`)) });
      const error = await failure(echo(peer));
      expect(error).toMatchObject({ code, message: `it is ${name}`, unprocessed: false });
    });
  }

  test("a status message keeps its characters", async () => {
    const message = "100 % größer:\nzwei\tZeilen %41 €, 👋, \"'\\ und\u0000\u007f";
    const { peer } = await world().pair({ echo: throws(new RpcError(Code.ABORTED, message)) });
    expect((await failure(echo(peer))).message).toBe(message);
  });

  test("half of a surrogate pair in a status message does no harm", async () => {
    const { peer } = await world().pair({ echo: throws(new RpcError(Code.ABORTED, "half \ud83d")) });
    expect(await failure(echo(peer))).toMatchObject({ code: Code.ABORTED, message: "half \ufffd" });
  });

  test("a status too large to be sent keeps its code, and harms no other call", async () => {
    const go = event();
    const huge = "x".repeat(1_000_000);
    const { peer } = await world().pair({
      async echo(one) {
        await go.happened;
        return reply(one.request);
      },
      expand: throws(new RpcError(Code.ABORTED, huge)),
      collect: throws(new RpcError(Code.NOT_FOUND, "look", { details: [detail(Payload, { text: huge })] })),
      converse: throws(new RpcError(Code.OUT_OF_RANGE, "see", { metadata: Metadata.from({ huge }) })),
    });
    const other = echo(peer);
    const cut = await failure(expand(peer));
    expect(cut.code).toBe(Code.ABORTED);
    expect(cut.message).toMatch(/^x{1000,}… \(\d+ more characters\)$/);
    expect(await failure(collect(peer, none()))).toMatchObject({ code: Code.NOT_FOUND, message: "look", details: [] });
    expect(await failure(converse(peer, none()))).toMatchObject({ code: Code.OUT_OF_RANGE, message: "see" });
    go.happen();
    expect((await other).response).toEqual(payload("hello"));
  });

  test("an error without a message is one", async () => {
    const { peer } = await world().pair({ echo: throws(new RpcError(Code.NOT_FOUND, "")) });
    expect(await failure(echo(peer))).toMatchObject({ code: Code.NOT_FOUND, message: "" });
  });

  test("an error's metadata comes with it", async () => {
    const metadata = Metadata.from({ "retry-after": "3", "cause-bin": Uint8Array.of(7) });
    const { peer } = await world().pair({ echo: throws(new RpcError(Code.UNAVAILABLE, "no", { metadata })) });
    const error = await failure(echo(peer));
    expect(error.metadata.get("retry-after")).toBe("3");
    expect(error.metadata.getBytes("cause-bin")).toEqual(Uint8Array.of(7));
  });

  test("rich details arrive typed", async () => {
    const violation = { field: "name", description: "must not be empty" };
    const details = [
      detail(BadRequest, { fieldViolations: [violation] }),
      detail(Payload, { text: "more", data: Uint8Array.of(0, 255) }),
    ];
    const { peer } = await world().pair({ echo: throws(new RpcError(Code.INVALID_ARGUMENT, "look", { details })) });
    const error = await failure(echo(peer));
    expect(error.message).toBe("look");
    expect(error.details.map(({ type }) => type)).toEqual(["google.rpc.BadRequest", "probe.v1.Payload"]);
    expect(error.detailsOf(BadRequest)[0]?.fieldViolations[0]).toMatchObject(violation);
    expect(error.detailsOf(Payload)).toEqual([{ text: "more", data: Uint8Array.of(0, 255) }]);
  });

  test("what is thrown and no RpcError is UNKNOWN", async () => {
    const { peer } = await world().pair({ echo: throws(new TypeError("the password is wrong")) });
    const error = await failure(echo(peer));
    expect(error.code).toBe(Code.UNKNOWN);
    expect(error.message).not.toContain("password");
  });

  test("what a handler throws before it returns a promise is the same", async () => {
    const { peer } = await world().pair({
      echo() {
        throw new RpcError(Code.NOT_FOUND, "at once");
      },
    });
    expect(await failure(echo(peer))).toMatchObject({ code: Code.NOT_FOUND, message: "at once" });
  });

  test("a stream that fails before its first message rejects the call", async () => {
    const { peer } = await world().pair({ expand: streaming([], new RpcError(Code.NOT_FOUND, "no such thing")) });
    expect(await failure(expand(peer))).toMatchObject({ code: Code.NOT_FOUND, message: "no such thing" });
  });

  test("a stream that fails later throws to its reader, once", async () => {
    const opened = event();
    const { peer } = await world().pair({
      expand: () =>
        reply(
          (async function* () {
            yield payload("first");
            await opened.happened;
            throw new RpcError(Code.DATA_LOSS, "the rest is gone", { metadata: Metadata.from({ rows: "1" }) });
          })(),
        ),
    });
    const answer = await expand(peer);
    const stream = responses(answer);
    expect((await stream.next()).value).toEqual(payload("first"));
    opened.happen();
    const error = await failure(stream.next());
    expect(error).toMatchObject({ code: Code.DATA_LOSS, message: "the rest is gone" });
    expect(error.metadata.get("rows")).toBe("1");
    expect(answer.trailer.get("rows")).toBe("1");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  if (abilities.messagesBeforeErrors) {
    test("messages before an error are read before it", async () => {
      const sent = ["1", "2", "3"].map((text) => payload(text));
      const { peer } = await world().pair({ expand: streaming(sent, new RpcError(Code.ABORTED, "enough")) });
      const seen: string[] = [];
      const reading = async (): Promise<void> => {
        for await (const { text } of responses(await expand(peer))) seen.push(text);
      };
      expect((await failure(reading())).code).toBe(Code.ABORTED);
      expect(seen).toEqual(["1", "2", "3"]);
    });
  }

  test("an error carries the header that came before it", async () => {
    const { peer } = await world().pair({
      async expand() {
        return reply(
          (async function* () {
            yield* [];
            throw new RpcError(Code.ABORTED, "no");
          })(),
          Metadata.from({ first: "1" }),
        );
      },
    });
    expect((await failure(expand(peer))).header.get("first")).toBe("1");
  });

  test("a method that is not there is UNIMPLEMENTED, in the words of the server", async () => {
    const { peer } = await world().pair();
    const missing: Method = { ...Probe.methods.echo, path: "/probe.v1.Probe/Missing" };
    const error = await failure(call(peer, missing, payload()));
    expect(error).toMatchObject({ code: Code.UNIMPLEMENTED, message: "there is no /probe.v1.Probe/Missing here" });
  });

  test("a method that is not there ends a client stream too", async () => {
    const { peer } = await world().pair();
    const missing: Method = { ...Probe.methods.collect, path: "/none.v1.None/Collect" };
    const released = event();
    const error = await failure(call(peer, missing, untilReleased(released)));
    expect(error.code).toBe(Code.UNIMPLEMENTED);
    await released.happened;
  });

  test("a request that does not decode is INTERNAL and does not reach the handler", async () => {
    let called = false;
    const { peer } = await world().pair({
      echo(one) {
        called = true;
        return reply(one.request);
      },
    });
    const error = await failure(call(peer, { ...Probe.methods.echo, request: garbled }, {}));
    expect(error.code).toBe(Code.INTERNAL);
    expect(error.message).toMatch(/request of \/probe.v1.Probe\/Echo does not decode as probe.v1.Payload/);
    expect(called).toBe(false);
  });

  test("a request that does not decode in the middle of a stream ends the call on both sides", async () => {
    const seen = event<RpcError>();
    const { peer } = await world().pair({
      async collect(one) {
        seen.happen(await readUntilCancelled(one));
        return reply({ count: 0, bytes: 0n });
      },
    });
    const released = event();
    const broken = { ...Probe.methods.collect, request: garbled };
    const error = await failure(call(peer, broken, untilReleased(released)));
    expect(error.code).toBe(Code.INTERNAL);
    expect((await seen.happened).code).toBe(Code.INTERNAL);
    await released.happened;
  });

  test("what does not decode in a stream is told to its reader once, on either side", async () => {
    const outcomes = event<unknown[]>();
    const whole = Probe.methods.converse;
    const { peer } = await world().pair({
      async converse(one) {
        const stream = requests(one)[Symbol.asyncIterator]();
        const [first, second] = await Promise.allSettled([stream.next(), stream.next()]);
        outcomes.happen([first, second, ...(await Promise.allSettled([stream.next(), stream.next()]))]);
        throw new RpcError(Code.ABORTED, "it has ended before");
      },
    });
    await failure(call(peer, { ...whole, request: garbled }, streamOf({}, {})));
    const told = { status: "rejected", reason: { code: Code.INTERNAL } };
    const done = { status: "fulfilled", value: { done: true } };
    expect(await outcomes.happened).toMatchObject([told, done, done, done]);

    const { peer: other } = await world().pair({
      converse: () => reply(streamOf(payload("1"), payload("not"), payload("3"))),
    });
    const picky = { ...whole, response: { ...Payload, decode: onlyDigits } };
    const stream = responses(await call(other, picky, streamOf()));
    expect((await stream.next()).value.text).toBe("1");
    expect((await failure(stream.next())).code).toBe(Code.INTERNAL);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("a response that does not decode is INTERNAL, and the server is told to stop", async () => {
    const stopped = event();
    const { peer } = await world().pair({
      expand: () => reply(untilReleased(stopped)),
    });
    const error = await failure(
      call(peer, { ...Probe.methods.expand, response: garbled }, { count: 1, size: 0, delayMs: 0 }),
    );
    expect(error.code).toBe(Code.INTERNAL);
    expect(error.message).toMatch(/response of \/probe.v1.Probe\/Expand does not decode/);
    await stopped.happened;
  });

  test("a request of the wrong shape is INVALID_ARGUMENT, names the field, and is never sent", async () => {
    let called = false;
    const { peer } = await world().pair({
      echo(one) {
        called = true;
        return reply(one.request);
      },
    });
    const error = await failure(echo(peer, { text: "", data: "no bytes" } as never));
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, local: true });
    expect(error.message).toMatch(
      /request of \/probe.v1.Probe\/Echo does not encode as probe.v1.Payload: field "data"/,
    );
    expect((await failure(call(peer, Probe.methods.echo, null))).message).toMatch(/it is null$/);
    await expand(peer);
    expect(called).toBe(false);
  });

  test("a request of the wrong shape in the middle of a stream cancels the call", async () => {
    const began = event();
    const seen = event<RpcError>();
    const { peer } = await world().pair({
      async collect(one) {
        began.happen();
        seen.happen(await readUntilCancelled(one));
        return reply({ count: 0, bytes: 0n });
      },
    });
    async function* wrong(): AsyncGenerator<Payload> {
      yield payload("right");
      await began.happened;
      yield { text: "", data: 5 } as never;
    }
    const error = await failure(collect(peer, wrong()));
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, local: true });
    expect(error.message).toMatch(/does not encode/);
    expect((await seen.happened).code).toBe(Code.CANCELLED);
  });

  test("requests that cannot even be iterated fail their own call, and leave the peer as it was", async () => {
    const { peer } = await world().pair();
    const broken: AsyncIterable<Payload> = {
      [Symbol.asyncIterator]() {
        throw new Error("no requests today");
      },
    };
    for (let i = 0; i < 3; i++) {
      expect(await failure(collect(peer, broken))).toMatchObject({ message: "no requests today", local: true });
    }
    expect(peer.inflight).toBe(0);
    expect((await echo(peer)).response).toEqual(payload("hello"));
    await peer.close();
  });

  test("metadata that this wire cannot carry fails its own call, and leaves the peer as it was", async () => {
    const { peer } = await world().pair();
    const metadata = Metadata.fromFlat(["x-name", "J\u00f6rg"]);
    for (let i = 0; i < 3; i++) {
      const given = await echo(peer, payload("hello"), { metadata }).then(
        () => undefined,
        ({ code, local }) => ({ code, local }),
      );
      if (given !== undefined) expect(given).toEqual({ code: Code.INVALID_ARGUMENT, local: true });
    }
    expect(peer.inflight).toBe(0);
    await peer.close();
  });

  test("an error whose metadata this wire cannot carry keeps its code", async () => {
    const metadata = Metadata.fromFlat(["x-name", "J\u00f6rg"]);
    const { peer } = await world().pair({
      echo: throws(new RpcError(Code.NOT_FOUND, "nobody", { metadata })),
      collect: throws(new RpcError(Code.NOT_FOUND, "nobody", { header: metadata })),
      async expand() {
        throw new RpcError(Code.NOT_FOUND, "nobody", { metadata });
      },
    });
    for (const error of await Promise.all([echo(peer), collect(peer, none()), expand(peer)].map(failure))) {
      expect(error).toMatchObject({ code: Code.NOT_FOUND, message: "nobody" });
    }
  });

  test("an answer of the wrong shape is INTERNAL and names the field", async () => {
    const { peer } = await world().pair({ echo: () => reply({ text: "", data: "no bytes" }) });
    const error = await failure(echo(peer));
    expect(error.code).toBe(Code.INTERNAL);
    expect(error.message).toMatch(/reply of \/probe.v1.Probe\/Echo does not encode as probe.v1.Payload: field "data"/);
  });

  test("a handler that answers with nothing is INTERNAL", async () => {
    const { peer } = await world().pair({ echo: () => reply(undefined) });
    expect(await failure(echo(peer))).toMatchObject({
      code: Code.INTERNAL,
      message: "the reply of /probe.v1.Probe/Echo does not encode as probe.v1.Payload: it is undefined",
    });
  });

  test("a handler that answers a stream with a message is INTERNAL", async () => {
    const { peer } = await world().pair({ expand: () => reply(payload()) });
    expect((await failure(expand(peer))).code).toBe(Code.INTERNAL);
  });

  test("two messages where the contract says one are UNIMPLEMENTED", async () => {
    const streams = { ...Probe.methods.echo, responseStream: true };
    const here = world();
    const two = streaming([payload("1"), payload("2")]);
    const listener = await here.listen({ ...probe(), method: () => streams, handle: two });
    expect((await failure(echo(here.dial(listener.address)))).code).toBe(Code.UNIMPLEMENTED);
  });

  test("no message where the contract says one is UNIMPLEMENTED", async () => {
    const streams = { ...Probe.methods.echo, responseStream: true };
    const here = world();
    const listener = await here.listen({ ...probe(), method: () => streams, handle: streaming([]) });
    expect((await failure(echo(here.dial(listener.address)))).code).toBe(Code.UNIMPLEMENTED);
  });

  test("two requests where the contract says one are UNIMPLEMENTED, and the handler is not called", async () => {
    let called = false;
    const { peer } = await world().pair({
      echo(one) {
        called = true;
        return reply(one.request);
      },
    });
    const streams = { ...Probe.methods.echo, requestStream: true };
    const messages = (count: number) =>
      (async function* () {
        for (let i = 0; i < count; i += 1) yield payload();
      })();
    expect((await failure(call(peer, streams, messages(2)))).code).toBe(Code.UNIMPLEMENTED);
    expect((await failure(call(peer, streams, messages(0)))).code).toBe(Code.UNIMPLEMENTED);
    expect(called).toBe(false);
  });

  test("the connection outlives what goes wrong in a call", async () => {
    const { peer } = await world().pair({ collect: throws(new RpcError(Code.ABORTED, "no")) });
    await failure(call(peer, { ...Probe.methods.echo, request: garbled }, {}));
    await failure(collect(peer, untilReleased(event())));
    expect((await echo(peer)).response).toEqual(payload("hello"));
    expect(peer.ready).toBe(true);
  });

  test("an error that a handler throws after its call was cancelled goes nowhere", async () => {
    const began = event();
    const threw = event();
    const { peer } = await world().pair({
      async echo(one) {
        began.happen();
        await cancelled(one).catch(() => {});
        threw.happen();
        throw new Error("too late");
      },
    });
    const controller = new AbortController();
    const answer = echo(peer, payload(), { cancellation: controller.signal });
    await began.happened;
    controller.abort();
    expect((await failure(answer)).code).toBe(Code.CANCELLED);
    await threw.happened;
  });
}

async function* none(): AsyncGenerator<Payload> {}

const garbled: typeof Payload = {
  ...Payload,
  encode: () => ({ finish: () => Uint8Array.of(0x0a, 0xff) }) as never,
  decode() {
    throw new RangeError("premature EOF");
  },
};

function throws(error: Error) {
  return async (): Promise<never> => {
    throw error;
  };
}

/** Answers with a stream of these, then with an error where there is one. */
function streaming(messages: readonly Payload[], error?: Error) {
  return () =>
    reply(
      (async function* () {
        yield* messages;
        if (error !== undefined) throw error;
      })(),
    );
}

/** Messages without an end, and word of it when they are no longer wanted. */
async function* untilReleased(released: { happen(): void }): AsyncGenerator<Payload> {
  try {
    for (;;) yield payload("again");
  } finally {
    released.happen();
  }
}

async function* streamOf<T>(...messages: readonly T[]): AsyncGenerator<T> {
  yield* messages;
}

/** A codec that reads a message only where its text is a number. */
function onlyDigits(input: Uint8Array): Payload {
  const message = Payload.decode(input);
  if (/^\d+$/.test(message.text)) return message;
  throw new Error("no number");
}

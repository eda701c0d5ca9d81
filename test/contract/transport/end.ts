import { describe, expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import type { Call } from "../../../src/core/call.ts";
import { Code } from "../../../src/core/code.ts";
import { deadlineAfter } from "../../../src/core/deadline.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { RpcError } from "../../../src/core/rpc-error.ts";
import type { ListenOptions } from "../../../src/core/transport.ts";
import {
  type Answer,
  type Answers,
  cancelled,
  converse,
  echo,
  event,
  expand,
  failure,
  type Pair,
  payload,
  reply,
  responses,
  texts,
  type World,
} from "./world.ts";

const MIB = 1024 * 1024;
const huge = Metadata.from({ huge: "x".repeat(100_000) });

async function* stream(...messages: unknown[]): AsyncGenerator<unknown> {
  yield* messages;
}

interface Told {
  /** What the owner of the call was told, each time. */
  readonly ends: (RpcError | undefined)[];
  readonly first: Promise<RpcError | undefined>;
}

/** Serves, and keeps what the owners of the calls are told of their end. */
async function watching(world: World, answers: Answers, listen?: ListenOptions): Promise<Pair & Told> {
  const ends: (RpcError | undefined)[] = [];
  const first = event<RpcError | undefined>();
  const watched = (answer: Answer) => (call: Call) => {
    call.origin?.onEnd((error) => {
      ends.push(error);
      first.happen(error);
    });
    return answer(call);
  };
  const all = Object.entries(answers).map(([key, answer]) => [key, watched(answer)] as const);
  const pair = await world.pair(Object.fromEntries(all), listen && { listen });
  return { ...pair, ends, first: first.happened };
}

/** The end of a call as its owner is told of it: what the caller was told, once. */
export function end(world: () => World): void {
  test("a reply that was sent is the end, and a good one", async () => {
    const { peer, ends, first } = await watching(world(), { echo: (call) => reply(call.request) });
    await echo(peer);
    expect(await first).toBe(undefined);
    expect(ends).toEqual([undefined]);
  });

  test("a stream has ended when its last message was sent, not before", async () => {
    const go = event();
    const { peer, ends, first } = await watching(world(), {
      expand: () =>
        reply(
          (async function* () {
            yield payload("1");
            await go.happened;
            yield payload("2");
          })(),
        ),
    });
    const replies = responses(await expand(peer));
    await replies.next();
    expect(ends).toEqual([]);
    go.happen();
    expect(await texts(replies)).toEqual(["2"]);
    expect(await first).toBe(undefined);
  });

  test("a handler that reads none of what it is sent ends the call when it answers", async () => {
    const { peer, first } = await watching(world(), { converse: () => reply(stream(payload("enough"))) });
    const sent = stream(payload(), payload()) as AsyncGenerator<Payload>;
    expect(await texts(responses(await converse(peer, sent)))).toEqual(["enough"]);
    expect(await first).toBe(undefined);
  });

  test("who asks once it is over is told at once", async () => {
    let kept: Call | undefined;
    const { peer, first } = await watching(world(), {
      echo(call) {
        kept = call;
        throw new RpcError(Code.NOT_FOUND, "none");
      },
    });
    await failure(echo(peer));
    await first;
    const late: (RpcError | undefined)[] = [];
    kept?.origin?.onEnd((error) => late.push(error));
    expect(late).toMatchObject([{ code: Code.NOT_FOUND }]);
  });

  const one: Readonly<Record<string, Answer>> = {
    "that its handler gives it": () => Promise.reject(new RpcError(Code.NOT_FOUND, "none")),
    "at once": () => {
      throw new RpcError(Code.ABORTED, "no");
    },
    "that is no RpcError": () => Promise.reject(new TypeError("oops")),
    "of metadata that is too large": () =>
      Promise.reject(new RpcError(Code.ABORTED, "no", { metadata: huge, header: huge })),
  };
  const unsendable: Readonly<Record<string, Answer>> = {
    "does not encode": () => reply({ text: 3, data: new Uint8Array() }),
    "is none": () => reply(undefined),
    "has a header that is too large": () => reply(payload(), huge),
    "has a trailer that is too large": () => reply(payload(), Metadata.EMPTY, huge),
    "is over the limit": () => reply(payload("x", MIB)),
    "has no header": () => ({ response: payload() }) as never,
    "is of nothing": () => undefined as never,
    "does not encode, of a handler that waits": async () => reply({ text: 3, data: new Uint8Array() }),
  };
  const unsendableStreams: Readonly<Record<string, Answer>> = {
    "does not encode in the first message": () => reply(stream({ text: 3 })),
    "does not encode in a later message": () => reply(stream(payload("1"), { text: 3 })),
    "has null among its messages": () => reply(stream(payload("1"), null)),
    "has a header that is too large": () => reply(stream(payload()), huge),
    "has a trailer that is too large": () => reply(stream(payload()), Metadata.EMPTY, huge),
    "is no stream": () => reply(3),
    "throws what is no RpcError": () =>
      reply(
        (async function* () {
          yield payload();
          throw new TypeError("oops");
        })(),
      ),
  };
  const limit: ListenOptions = { maxSendMessageBytes: MIB };

  describe("an error", () => {
    for (const [name, answer] of Object.entries(one)) {
      test(`${name} is what its caller is told`, async () => {
        const { peer, ends, first } = await watching(world(), { echo: answer });
        const { code } = await failure(echo(peer));
        expect(await first).toMatchObject({ code });
        expect(ends.length).toBe(1);
      });
    }
  });

  describe("a reply that", () => {
    for (const [name, answer] of Object.entries(unsendable)) {
      test(`${name} is a failure of this side`, async () => {
        const { peer, ends, first } = await watching(world(), { echo: answer }, limit);
        const { code } = await failure(echo(peer));
        expect(await first).toMatchObject({ code, local: true });
        expect(ends.length).toBe(1);
      });
    }
  });

  describe("a stream that", () => {
    for (const [name, answer] of Object.entries(unsendableStreams)) {
      test(`${name} is a failure of this side`, async () => {
        const { peer, ends, first } = await watching(world(), { expand: answer }, limit);
        const reading = async (): Promise<unknown> => texts(responses(await expand(peer)));
        const { code } = await failure(reading());
        expect(await first).toMatchObject({ code, local: true });
        expect(ends.length).toBe(1);
      });
    }
  });

  test("a reply that its caller refuses while it comes is cancelled", async () => {
    const { peer, ends, first } = await watching(world(), { echo: () => reply(payload("", 8 * MIB)) });
    expect(await failure(echo(peer))).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    expect(await first).toMatchObject({ code: Code.CANCELLED });
    expect(ends.length).toBe(1);
  });

  test("a stream whose last message is refused while it comes is cancelled", async () => {
    const { peer, ends, first } = await watching(world(), { expand: () => reply(stream(payload("", 8 * MIB))) });
    const reading = async (): Promise<unknown> => texts(responses(await expand(peer)));
    expect(await failure(reading())).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    expect(await first).toMatchObject({ code: Code.CANCELLED });
    expect(ends.length).toBe(1);
  });

  test("a large reply that is taken is a good end", async () => {
    const { peer, first } = await watching(world(), { echo: () => reply(payload("", 3 * MIB)) });
    await echo(peer);
    expect(await first).toBe(undefined);
  });

  test("a deadline is the end, whatever the handler still does", async () => {
    const { peer, first, ends } = await watching(world(), {
      async expand(call) {
        await cancelled(call).catch(() => {});
        return reply(stream(payload()));
      },
    });
    const error = await failure(expand(peer, {}, { deadline: deadlineAfter(300) }));
    expect(error).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    // Where the machine is slow, the client's reset overtakes the server's own alarm.
    expect([Code.DEADLINE_EXCEEDED, Code.CANCELLED]).toContain((await first)?.code);
    expect(ends.length).toBe(1);
  });

  test("a caller that leaves is the end of a stream", async () => {
    const { peer, first, ends } = await watching(world(), {
      expand: (call) =>
        reply(
          (async function* () {
            yield payload();
            await cancelled(call);
          })(),
        ),
    });
    const replies = responses(await expand(peer));
    await replies.next();
    await replies.return?.();
    expect(await first).toMatchObject({ code: Code.CANCELLED });
    expect(ends.length).toBe(1);
  });

  test("the end of the server is the end of its calls", async () => {
    const begun = event();
    const { peer, listener, first } = await watching(world(), {
      echo(call) {
        begun.happen();
        return cancelled(call);
      },
    });
    const error = failure(echo(peer));
    await begun.happened;
    await listener.close();
    expect((await error).code).toBe(Code.UNAVAILABLE);
    expect(await first).toMatchObject({ code: Code.UNAVAILABLE });
  });
}

import { Code, type Interceptor, type Reply as ReplyType, RpcError, watched } from "trunkline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { metrics } from "../../src/observe/metrics.ts";
import { tracing } from "../../src/observe/tracing.ts";
import { greeterPair, type PairOptions } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";
import { wires } from "../support/wires.ts";
import { type Recording, record } from "./recorder.ts";

let recording: Recording;

beforeEach(() => {
  recording = record();
});

afterEach(() => recording.stop());

interface Case {
  readonly implementation?: NonNullable<PairOptions["implementation"]>;
  /** Stands innermost. */
  readonly interceptor?: Interceptor;
  readonly logged: string;
}

const huge = { huge: "x".repeat(100_000) };
const notSent = "a reply could not be sent";
const notOurs = "a handler or an interceptor threw something that is not an RpcError";

/** An interceptor that hands on something else. */
const handsOn =
  (change: (reply: ReplyType) => unknown): Interceptor =>
  (next) =>
  async (call) =>
    change(await next(call)) as ReplyType;

async function all(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

async function* broken(): AsyncGenerator<unknown> {
  yield { message: "one" };
  throw new TypeError("oops");
}

const unary: Readonly<Record<string, Case>> = {
  "a reply that does not encode": {
    implementation: { sayHello: () => ({ message: 3 as never }) },
    logged: notSent,
  },
  "a reply that does not encode, of a handler that waits": {
    implementation: { sayHello: async () => ({ message: 3 as never }) },
    logged: notSent,
  },
  "a trailer that is too large": {
    implementation: {
      sayHello(_request, context) {
        context.trailer = huge;
        return {};
      },
    },
    logged: notSent,
  },
  "a header that is too large": {
    implementation: {
      sayHello(_request, context) {
        context.header = huge;
        return {};
      },
    },
    logged: notSent,
  },
  "an interceptor that hands on no message": {
    interceptor: handsOn((reply) => ({ ...reply, response: undefined })),
    logged: notSent,
  },
  "an interceptor that hands on a message of the wrong shape": {
    interceptor: handsOn((reply) => ({ ...reply, response: { massage: "typo" } })),
    logged: notSent,
  },
  "an interceptor that hands on a reply without a header": {
    interceptor: handsOn(({ response, trailer }) => ({ response, trailer })),
    logged: notOurs,
  },
  "an interceptor that hands on nothing": { interceptor: handsOn(() => undefined), logged: notOurs },
  "an interceptor that hands on the message alone": {
    interceptor: handsOn(({ response }) => response),
    logged: notOurs,
  },
};

const streams: Readonly<Record<string, Case>> = {
  "a later message that does not encode": {
    implementation: {
      async *chat() {
        yield { message: "one" };
        yield { message: 3 as never };
      },
    },
    logged: notSent,
  },
  "a trailer that is too large": {
    implementation: {
      async *chat(_hellos, context) {
        yield { message: "one" };
        context.trailer = huge;
      },
    },
    logged: notSent,
  },
  "an interceptor that hands on no stream": {
    interceptor: handsOn(({ header, trailer }) => ({ response: 3, header, trailer })),
    logged: notSent,
  },
  "an interceptor that spreads the reply of a stream": {
    interceptor: handsOn((reply) => ({ ...reply })),
    logged: notOurs,
  },
  "an interceptor whose stream throws": {
    interceptor: handsOn(({ header, trailer }) => ({ response: broken(), header, trailer })),
    logged: notSent,
  },
};

describe.each(wires)("a server over %s counts and logs what its client was told, of", (_name, wire) => {
  async function told(call: "unary" | "stream", { implementation = {}, interceptor, logged }: Case): Promise<void> {
    const transport = wire();
    const log = createLog();
    const seen: unknown[] = [];
    const sees: Interceptor = (next) => (call) => watched(next, call, (error) => seen.push(error?.codeName ?? "OK"));
    const interceptors = [tracing(), metrics(), sees, ...(interceptor === undefined ? [] : [interceptor])];
    const server = { transport, interceptors, logger: log };
    await using pair = await greeterPair({ implementation, server, channel: { transport } });
    const made = call === "unary" ? pair.greeter.sayHello({}) : all(pair.greeter.chat([]));
    const { codeName } = await made.then(() => expect.fail("it succeeded"), RpcError.from);
    await expect.poll(() => [...recording.spans, ...recording.measurements].length).toBe(2);
    const codes = [...recording.spans, ...recording.measurements].map((each) => each.attributes);
    expect(codes.map((attributes) => attributes["rpc.status_code"])).toEqual([codeName, codeName]);
    expect(seen).toEqual([codeName]);
    expect(recording.spans.map(({ ended }) => ended)).toEqual([1]);
    expect(log.of().map(({ message }) => message)).toEqual([logged]);
    const path = `/greeter.v1.Greeter/${call === "unary" ? "SayHello" : "Chat"}`;
    expect(log.of()[0]).toMatchObject({ level: "error", fields: { method: path } });
  }

  for (const [name, each] of Object.entries(unary)) test(name, () => told("unary", each));
  for (const [name, each] of Object.entries(streams)) test(`${name}, in a stream`, () => told("stream", each));

  test("what a handler means to say is logged by nobody, whatever it is made of", async () => {
    const transport = wire();
    const log = createLog();
    await using pair = await greeterPair({
      implementation: {
        sayHello(_request, context) {
          context.trailer = { some: "trailer" };
          throw RpcError.from(new RangeError("too many"), Code.OUT_OF_RANGE);
        },
      },
      server: { transport, logger: log },
      channel: { transport },
    });
    await expect(pair.greeter.sayHello({})).rejects.toMatchObject({ code: Code.OUT_OF_RANGE, message: "too many" });
    expect(log.of()).toEqual([]);
  });
});

test("what somebody who watches throws is a warning, and harms no call", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const throws: Interceptor = (next) => (call) =>
    watched(next, call, () => {
      throw new TypeError("the observer has a bug");
    });
  await using pair = await greeterPair({ server: { interceptors: [throws] }, channel: { interceptors: [throws] } });
  expect(await pair.greeter.sayHello({ name: "you" })).toEqual({ message: "Hello you" });
  expect(await warned).toMatchObject({ message: "the observer has a bug" });
});

test("on a client a stream is over when it has been read, left, or has failed", async () => {
  const seen: unknown[] = [];
  const sees: Interceptor = (next) => (call) => watched(next, call, (error) => seen.push(error?.codeName ?? "OK"));
  await using pair = await greeterPair({
    implementation: {
      async *chat(hellos) {
        for await (const { name } of hellos) {
          if (name === "fail") throw new RpcError(Code.DATA_LOSS, "gone");
          yield { message: name };
        }
      },
    },
    channel: { interceptors: [sees] },
  });
  await all(pair.greeter.chat([{ name: "a" }]));
  for await (const _ of pair.greeter.chat([{ name: "a" }, { name: "b" }])) break;
  await expect(all(pair.greeter.chat([{ name: "a" }, { name: "fail" }]))).rejects.toThrow("gone");
  expect(seen).toEqual(["OK", "CANCELLED", "DATA_LOSS"]);
});

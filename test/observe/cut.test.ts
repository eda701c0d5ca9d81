import { once } from "node:events";
import { Code, RpcError } from "trunkline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { metrics } from "../../src/observe/metrics.ts";
import { tracing } from "../../src/observe/tracing.ts";
import { greeterPair, type PairOptions } from "../support/greeter.ts";
import { wires } from "../support/wires.ts";
import { type Recording, record } from "./recorder.ts";

let recording: Recording;

beforeEach(() => {
  recording = record();
});

afterEach(() => recording.stop());

const codes = (): unknown[] => [
  ...recording.spans.map(({ attributes }) => attributes["rpc.status_code"]),
  ...recording.measurements.map(({ attributes }) => attributes["rpc.status_code"]),
];

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(() => expect.fail("it succeeded"), RpcError.from);

describe.each(wires)("a server over %s counts by its true code", (_name, wire) => {
  const pairOf = (implementation: PairOptions["implementation"] = {}) => {
    const transport = wire();
    const server = { transport, interceptors: [tracing(), metrics()] };
    return greeterPair({ implementation, server, channel: { transport } });
  };
  const chat: NonNullable<PairOptions["implementation"]>["chat"] = async function* (_hellos, { signal }) {
    yield { message: "one" };
    // It heeds the signal, and makes nothing of it.
    if (!signal.aborted) await once(signal, "abort");
  };

  test("a stream that its deadline cut", async () => {
    await using pair = await pairOf({ chat });
    // The server's clock for a call starts when the call comes: on a connection that is there, that is soon.
    await pair.greeter.sayHello({});
    recording.spans.length = 0;
    recording.measurements.length = 0;
    const stream = pair.greeter.chat([], { timeoutMs: 300 });
    await stream.next();
    expect(await failure(stream.next())).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await expect.poll(codes).toEqual(["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]);
  });

  test("a stream that its client left", async () => {
    await using pair = await pairOf({ chat });
    for await (const _ of pair.greeter.chat([])) break;
    await expect.poll(codes).toEqual(["CANCELLED", "CANCELLED"]);
  });

  test("a stream that the server's close cut", async () => {
    const pair = await pairOf({ chat });
    const stream = pair.greeter.chat([]);
    await stream.next();
    const reading = failure(stream.next());
    await pair.server.close({ timeoutMs: 0 });
    expect(await reading).toMatchObject({ code: Code.UNAVAILABLE });
    expect(codes()).toEqual(["UNAVAILABLE", "UNAVAILABLE"]);
    await pair.channel.close();
  });

  test("a unary call that was answered after its deadline", async () => {
    await using pair = await pairOf({
      async sayHello(_request, { signal }) {
        await once(signal, "abort");
        return { message: "too late" };
      },
    });
    await failure(pair.greeter.sayHello({}, { timeoutMs: 300 }));
    await expect.poll(codes).toEqual(["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]);
  });
});

test("an interceptor further in that throws at once is counted, and crashes nothing", async () => {
  const interceptors = [
    tracing(),
    metrics(),
    () => () => {
      throw new RpcError(Code.PERMISSION_DENIED, "not you");
    },
  ];
  await using pair = await greeterPair({ server: { interceptors } });
  expect(await failure(pair.greeter.sayHello({}))).toMatchObject({ code: Code.PERMISSION_DENIED });
  expect(codes()).toEqual(["PERMISSION_DENIED", "PERMISSION_DENIED"]);
});

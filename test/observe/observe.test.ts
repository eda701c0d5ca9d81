import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type Handler, intercept, type Reply } from "../../src/core/call.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import { Code } from "../../src/core/code.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { trailKey } from "../../src/core/trail.ts";
import { metrics } from "../../src/observe/metrics.ts";
import { tracing } from "../../src/observe/tracing.ts";
import { retry } from "../../src/retry/retry.ts";
import { type Recording, record } from "./recorder.ts";

const reply: Reply = { response: {}, header: Metadata.EMPTY, trailer: Metadata.EMPTY };
const unary = new Call({ method: Probe.methods.echo, request: {} });
const stream = new Call({ method: Probe.methods.expand, request: {} });
const incoming = unary.with({ caller: { address: "[::1]:40000" } });
const ok: Handler = async () => reply;
const fails =
  (code: Code): Handler =>
  () =>
    Promise.reject(new RpcError(code, "as asked"));

async function* messages(end?: Error) {
  yield {};
  yield {};
  if (end !== undefined) throw end;
}

const streams =
  (end?: Error): Handler =>
  async () => ({ ...reply, response: messages(end) });

async function read(reply: Reply, most = 10): Promise<void> {
  for await (const _ of reply.response as AsyncIterable<unknown>) if (--most === 0) break;
}

test("without an SDK the call passes untouched, and neither interceptor adds anything to it", async () => {
  let seen: Call | undefined;
  const pending = Promise.resolve(reply);
  const handler: Handler = (call) => {
    seen = call;
    return pending;
  };
  expect(intercept(handler, [tracing(), metrics()])(unary)).toBe(pending);
  expect(seen).toBe(unary);
});

describe("with an SDK", () => {
  let recording: Recording;

  beforeEach(() => {
    recording = record();
  });

  afterEach(() => recording.stop());

  test("one that is registered after the interceptors were made is used", async () => {
    recording.stop();
    const handler = intercept(ok, [tracing(), metrics()]);
    await handler(unary);
    recording = record();
    await handler(unary);
    expect([recording.spans.length, recording.measurements.length]).toEqual([1, 1]);
  });

  test("a client's span is named after the method, says how the call ended and where it went", async () => {
    const handler: Handler = async (call) => {
      const trail = call.get(trailKey);
      if (trail !== undefined) trail.address = "[::1]:50051";
      return reply;
    };
    await tracing()(handler)(unary);
    expect(recording.spans).toMatchObject([
      { name: "probe.v1.Probe/Echo", kind: SpanKind.CLIENT, status: undefined, ended: 1 },
    ]);
    expect(recording.spans[0]?.attributes).toEqual({
      "rpc.system.name": "grpc",
      "rpc.method": "probe.v1.Probe/Echo",
      "server.address": "probe.v1.Probe",
      "rpc.status_code": "OK",
      "network.peer.address": "::1",
      "network.peer.port": 50051,
    });
  });

  test("the server's span is a child of the client's, and a call made while answering is a child of that", async () => {
    const backend = tracing()(ok);
    const server = tracing()(() => backend(new Call({ method: Greeter.methods.sayHello, request: {} })));
    const wire: Handler = (call) => server(call.with({ caller: { address: "10.0.0.9:40000" } }));
    await tracing()(wire)(unary);
    const [client, answered, nested] = recording.spans;
    expect(answered).toMatchObject({
      kind: SpanKind.SERVER,
      parent: { spanId: client?.context.spanId, isRemote: true },
    });
    expect(nested?.parent?.spanId).toBe(answered?.context.spanId);
    expect(new Set(recording.spans.map((span) => span.context.traceId)).size).toBe(1);
    expect(answered?.attributes).toMatchObject({ "network.peer.address": "10.0.0.9", "network.peer.port": 40000 });
  });

  test("attempts are children of their call, and say how many came before", async () => {
    let attempts = 0;
    const flaky: Handler = async () => {
      if (++attempts === 1) throw new RpcError(Code.UNAVAILABLE, "not now", { peer: "a:1", unprocessed: true });
      return reply;
    };
    await intercept(flaky, [tracing(), retry(), tracing()])(unary);
    const [call, first, second] = recording.spans;
    expect([first?.parent?.spanId, second?.parent?.spanId]).toEqual([call?.context.spanId, call?.context.spanId]);
    expect([first?.status?.code, second?.status]).toEqual([SpanStatusCode.ERROR, undefined]);
    expect(second?.attributes["previous-rpc-attempts"]).toBe(1);
  });

  test("a client's span fails with any error, a server's only with one that is the server's fault", async () => {
    for (const call of [unary, incoming]) {
      for (const code of [Code.NOT_FOUND, Code.INTERNAL]) {
        await expect(tracing()(fails(code))(call)).rejects.toMatchObject({ code });
      }
    }
    expect(recording.spans.map((span) => [span.status?.code, span.attributes["error.type"]])).toEqual([
      [SpanStatusCode.ERROR, "NOT_FOUND"],
      [SpanStatusCode.ERROR, "INTERNAL"],
      [undefined, undefined],
      [SpanStatusCode.ERROR, "INTERNAL"],
    ]);
    expect(recording.spans.map((span) => span.attributes["rpc.status_code"])).toEqual([
      "NOT_FOUND",
      "INTERNAL",
      "NOT_FOUND",
      "INTERNAL",
    ]);
  });

  test("a stream's span ends with the stream: read to its end, left early, or failed", async () => {
    const whole = await tracing()(streams())(stream);
    expect(recording.spans[0]?.ended).toBe(0);
    await read(whole);
    await read(await tracing()(streams())(stream), 1);
    const broken = await tracing()(streams(new RpcError(Code.DATA_LOSS, "gone")))(stream);
    await expect(read(broken)).rejects.toMatchObject({ code: Code.DATA_LOSS });
    expect(recording.spans.map((span) => [span.ended, span.attributes["rpc.status_code"]])).toEqual([
      [1, "OK"],
      [1, "CANCELLED"],
      [1, "DATA_LOSS"],
    ]);
  });

  test("a client's stream that is cut by its deadline or its caller is told as that, though nobody reads on", async () => {
    for (const code of [Code.DEADLINE_EXCEEDED, Code.CANCELLED]) {
      const cancellation = new Cancellation();
      const cut = await metrics()(streams())(stream.with({ cancellation }));
      const replies = (cut.response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      await replies.next();
      cancellation.cancel(new RpcError(code, "over"));
      await replies.return?.();
    }
    expect(recording.measurements.map(({ attributes }) => attributes["rpc.status_code"])).toEqual([
      "DEADLINE_EXCEEDED",
      "CANCELLED",
    ]);
  });

  test("a client's call that is cut before there is a reply, or before anybody reads it, is told once", async () => {
    for (const call of [unary, stream]) {
      const cancellation = new Cancellation();
      void metrics()(tracing()(() => new Promise(() => {})))(call.with({ cancellation }));
      cancellation.cancel(new RpcError(Code.DEADLINE_EXCEEDED, "over"));
    }
    const cancellation = new Cancellation();
    const replied = await metrics()(tracing()(streams()))(stream.with({ cancellation }));
    cancellation.cancel(new RpcError(Code.DEADLINE_EXCEEDED, "over"));
    await read(replied);
    const late = Array.from({ length: 3 }, () => "DEADLINE_EXCEEDED");
    expect(recording.measurements.map(({ attributes }) => attributes["rpc.status_code"])).toEqual(late);
    expect(recording.spans.map(({ ended }) => ended)).toEqual([1, 1, 1]);
  });

  test("a stream's trailer is there when the stream has ended", async () => {
    let trailer = Metadata.EMPTY;
    const handler: Handler = async () => ({
      response: messages(),
      header: Metadata.EMPTY,
      get trailer() {
        return trailer;
      },
    });
    const got = await tracing()(handler)(stream);
    trailer = Metadata.from({ sum: "3" });
    expect(got.trailer.get("sum")).toBe("3");
  });

  test("durations are measured in seconds, on either side, by method and status", async () => {
    await metrics()(ok)(unary);
    await expect(metrics()(fails(Code.NOT_FOUND))(incoming)).rejects.toMatchObject({ code: Code.NOT_FOUND });
    await read(await metrics()(streams())(stream));
    expect(
      recording.measurements.map(({ name, attributes }) => [
        name,
        attributes["rpc.method"],
        attributes["rpc.status_code"],
      ]),
    ).toEqual([
      ["rpc.client.call.duration", "probe.v1.Probe/Echo", "OK"],
      ["rpc.server.call.duration", "probe.v1.Probe/Echo", "NOT_FOUND"],
      ["rpc.client.call.duration", "probe.v1.Probe/Expand", "OK"],
    ]);
    for (const { seconds } of recording.measurements) expect(seconds).toBeLessThan(10);
  });
});

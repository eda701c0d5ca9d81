import * as conventions from "@opentelemetry/semantic-conventions";
import { expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type Handler, intercept, type Reply } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { trailKey } from "../../src/core/trail.ts";
import { metrics } from "../../src/observe/metrics.ts";
import { tracing } from "../../src/observe/tracing.ts";
import { record } from "./recorder.ts";

const stable = new Set<string>(Object.values(conventions).filter((value) => typeof value === "string"));
/** gRPC's own, A72, which is of no convention of OpenTelemetry's. */
const ofGrpc = ["previous-rpc-attempts"];

test("every name that is measured or traced by is a stable one of OpenTelemetry's conventions", async () => {
  const recording = record();
  const reply: Reply = { response: {}, header: Metadata.EMPTY, trailer: Metadata.EMPTY };
  const handler: Handler = async (call) => {
    const trail = call.get(trailKey);
    if (trail !== undefined) trail.address = "10.0.0.1:50051";
    if (call.attempt > 1) throw new RpcError(Code.UNAVAILABLE, "not now");
    return reply;
  };
  const client = new Call({ method: Probe.methods.echo, request: {} });
  const observed = intercept(handler, [tracing(), metrics()]);
  for (const call of [client, client.with({ caller: { address: "[::1]:40000" } })]) {
    await observed(call);
    await observed(call.with({ attempt: 2 })).catch(() => {});
  }
  recording.stop();
  expect(recording.spans).toHaveLength(4);
  const keys = [...recording.spans, ...recording.measurements].flatMap(({ attributes }) => Object.keys(attributes));
  const names = new Set([...keys, ...recording.measurements.map(({ name }) => name)]);
  expect([...names].filter((name) => !stable.has(name))).toEqual(ofGrpc);
});

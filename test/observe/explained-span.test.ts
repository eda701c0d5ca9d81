import { Code, RpcError } from "trunkline";
import { recorder, tracing } from "trunkline/observe";
import { expect, test } from "vitest";
import { greeterPair } from "../support/greeter.ts";
import { record } from "./recorder.ts";

test("the span of a call that failed carries its record, and the record the trace", async () => {
  const recording = record();
  const [client, server] = [recorder(), recorder()];
  const gone = () => {
    throw new RpcError(Code.ABORTED, "conflict");
  };
  {
    await using pair = await greeterPair({
      channel: { interceptors: [tracing()], observers: [client] },
      server: { interceptors: [tracing()], observers: [server] },
      implementation: { sayHelloAgain: gone },
    });
    await pair.greeter.sayHello({});
    await pair.greeter.sayHelloAgain({}).catch(() => {});
  }
  recording.stop();
  const events = recording.spans.flatMap((span) => span.events.map((event) => ({ span, ...event })));
  expect(events).toHaveLength(1);
  const [{ span, name, attributes }] = events as [(typeof events)[number]];
  expect(name).toBe("trunkline.explained");
  const kept = JSON.parse(String(attributes["trunkline.record"]));
  expect(kept).toMatchObject({ id: attributes["trunkline.call.id"], code: "ABORTED", trace: span.context.traceId });
  // By the id of the trace it is found on either side.
  expect(client.find(span.context.traceId)).toMatchObject([{ side: "client", id: kept.id }]);
  expect(server.find(span.context.traceId)).toMatchObject([{ side: "server", code: "ABORTED" }]);
});

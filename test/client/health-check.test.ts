import { createChannel, createClient } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import { expect, test, vi } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health.ts";
import { healthChecked } from "../../src/client/health-check.ts";
import type { Call, Reply } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { type FakePeer, fakePeer } from "../breaker/fake-peer.ts";
import { settled, virtualClock } from "../simulator/virtual-clock.ts";
import { greeterPair } from "../support/greeter.ts";

function says(...statuses: readonly number[]): Reply {
  async function* response() {
    for (const status of statuses) yield { status };
    await new Promise(() => {});
  }
  return { response: response(), header: Metadata.EMPTY, trailer: Metadata.EMPTY };
}

/** A fake peer and what `healthChecked` makes of it. */
function checked(answer: (call: Call) => Promise<Reply>) {
  const clock = virtualClock();
  const below: FakePeer = fakePeer();
  below.answer = answer;
  let tellBelow = (): void => {};
  const wire = healthChecked(
    {
      connect(_endpoint, { changed }) {
        tellBelow = changed ?? tellBelow;
        return below;
      },
    },
    { service: "greeter.v1.Greeter", clock, random: () => 0.5 },
  );
  const changed = vi.fn();
  const peer = wire.connect(below.endpoint, { changed });
  const reconnected = async (ready: boolean) => {
    below.ready = ready;
    tellBelow();
    await settled();
  };
  return { peer, below, clock, changed, reconnected };
}

test.for([http2(), grpcJs()])(
  "over $name a server that says NOT_SERVING is walked around until it serves",
  async (transport) => {
    const implementation = (name: string) => ({ sayHello: () => ({ message: name }) });
    await using left = await greeterPair({ implementation: implementation("left") });
    await using right = await greeterPair({ implementation: implementation("right") });
    await using channel = createChannel({ endpoints: [left.address, right.address], transport, healthCheck: true });
    const greeter = createClient(Greeter, channel);
    const answering = async (): Promise<Set<string>> => {
      const replies = await Promise.all(Array.from({ length: 8 }, () => greeter.sayHello({})));
      return new Set(replies.map(({ message }) => message));
    };
    await vi.waitUntil(async () => (await answering()).size === 2);
    left.server.health.set("", "NOT_SERVING");
    await vi.waitUntil(async () => !(await answering()).has("left"));
    left.server.health.set("", "SERVING");
    await vi.waitUntil(async () => (await answering()).size === 2);
  },
);

test("where no server serves, the error says what they say of their health", async () => {
  await using pair = await greeterPair();
  await using channel = createChannel({ endpoints: [pair.address], healthCheck: "greeter.v1.Greeter" });
  const greeter = createClient(Greeter, channel);
  await greeter.sayHello({});
  pair.server.health.set("greeter.v1.Greeter", "NOT_SERVING");
  await vi.waitFor(() =>
    expect(greeter.sayHello({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      message: expect.stringContaining("health is NOT_SERVING"),
    }),
  );
});

test("a channel that checks health closes at once", async () => {
  await using pair = await greeterPair({ channel: { healthCheck: true } });
  await pair.greeter.sayHello({});
  await pair.channel.close();
});

test("a peer is connecting until the first answer, then it is ready", async () => {
  const { peer, below, changed } = checked(async () => says(Status.SERVING));
  expect([peer.state, peer.ready, peer.reason]).toEqual(["connecting", false, "health not heard yet"]);
  await settled();
  expect([peer.state, peer.ready, below.calls]).toEqual(["ready", true, 1]);
  expect(changed).toHaveBeenCalled();
});

test("what a server said holds while it is silent, and it is not asked again", async () => {
  const { peer, below, reconnected } = checked(async () => says(Status.SERVING));
  await settled();
  below.silent = true;
  await reconnected(false);
  expect([peer.state, peer.ready]).toEqual(["silent", false]);
  below.silent = false;
  await reconnected(true);
  expect([peer.state, peer.ready, below.calls]).toEqual(["ready", true, 1]);
});

test("it asks after the service that it is told, without a deadline", async () => {
  const asked: Call[] = [];
  checked(async (call) => {
    asked.push(call);
    return says(Status.SERVING);
  });
  await settled();
  expect(asked).toMatchObject([{ request: { service: "greeter.v1.Greeter" }, deadline: Number.POSITIVE_INFINITY }]);
});

test.for([["NOT_SERVING"], ["UNKNOWN"], ["SERVICE_UNKNOWN"]] as const)(
  "a server that says %s has failed",
  async ([name]) => {
    const { peer } = checked(async () => says(Status.SERVING, Status[name]));
    await settled();
    expect([peer.state, peer.reason]).toEqual(["failed", `health is ${name}`]);
  },
);

test("a server without the health service counts as healthy, and is asked once", async () => {
  const { peer, below, clock } = checked(() => Promise.reject(new RpcError(Code.UNIMPLEMENTED, "no such service")));
  await clock.advance(120_000);
  expect([peer.ready, below.calls]).toEqual([true, 1]);
});

test("a Watch that ends is begun again, ever more slowly; until then the peer has failed", async () => {
  const { peer, below, clock } = checked(() => Promise.reject(new RpcError(Code.INTERNAL, "broken")));
  await settled();
  expect([peer.state, peer.reason]).toEqual(["failed", "health is unknown: INTERNAL broken"]);
  for (const [pauseMs, calls] of [
    [500, 2],
    [1_000, 3],
    [2_000, 4],
  ] as const) {
    await clock.advance(pauseMs - 1);
    expect(below.calls).toBe(calls - 1);
    await clock.advance(1);
    expect(below.calls).toBe(calls);
  }
  below.answer = async () => says(Status.SERVING);
  await clock.advance(4_000);
  expect(peer.ready).toBe(true);
});

test("a new connection is asked anew, and what the old one said is forgotten", async () => {
  const { peer, below, reconnected } = checked(async () => says(Status.SERVING));
  await settled();
  await reconnected(false);
  expect([peer.state, peer.reason]).toEqual(["failed", "connection refused"]);
  below.answer = async () => says(Status.NOT_SERVING);
  await reconnected(true);
  expect([peer.state, below.calls]).toEqual(["failed", 2]);
  await reconnected(false);
  below.answer = () => new Promise(() => {});
  await reconnected(true);
  expect([peer.state, peer.reason]).toEqual(["connecting", "health not heard yet"]);
});

test("closing cancels the Watch, so that it does not hold the connection", async () => {
  let watch: Call | undefined;
  const { peer, below } = checked(async (call) => {
    watch = call;
    return says(Status.SERVING);
  });
  await settled();
  await peer.close();
  expect(watch?.signal?.aborted).toBe(true);
  expect(below.closed).toBe(true);
});

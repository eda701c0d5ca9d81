import { describe, expect, test } from "vitest";
import { type Balance, balance } from "../../src/balance/balance.ts";
import type { Balancer } from "../../src/balance/balancer.ts";
import { roundRobin } from "../../src/balance/round-robin.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import type { PeerState } from "../../src/core/transport.ts";
import { type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";
import { type FakePeer, type FakeRegistry, fakePeer, fakeRegistry, makeCall, seeded, service } from "./fakes.ts";

// What a change costs in a large fleet, counted and not timed.

interface Fleet {
  readonly endpoints: Endpoint[];
  readonly registry: FakeRegistry;
  readonly layer: Balance;
  readonly clock: VirtualClock;
  readonly peers: Map<string, FakePeer>;
  readonly counts: { connected: number; methodsRead: number; pickersMade: number };
}

function endpointOf(i: number, counts: Fleet["counts"], version = "1"): Endpoint {
  const metadata = {
    version,
    get methods() {
      counts.methodsRead++;
      return `${service}/Echo`;
    },
  };
  return { address: `10.0.${i >> 8}.${i & 255}:50051`, metadata };
}

function fleetOf(
  size: number,
  initial: PeerState = "ready",
  balancer: Balancer = roundRobin({ random: seeded() }),
): Fleet {
  const counts = { connected: 0, methodsRead: 0, pickersMade: 0 };
  const endpoints = Array.from({ length: size }, (_, i) => endpointOf(i, counts));
  const registry = fakeRegistry();
  const clock = virtualClock();
  const peers = new Map<string, FakePeer>();
  registry.say(endpoints);
  const layer = balance({
    resolver: registry,
    connect(endpoint, changed) {
      counts.connected++;
      const peer = fakePeer(endpoint, changed, initial);
      peers.set(endpoint.address, peer);
      return peer;
    },
    balancer(those) {
      counts.pickersMade++;
      return balancer(those);
    },
    clock,
    random: seeded(),
  });
  return { endpoints, registry, layer, clock, peers, counts };
}

describe("a change of one endpoint among 5,000", () => {
  test("connects and reads that one only", async () => {
    const { endpoints, registry, layer, clock, counts, peers } = fleetOf(5_000);
    await layer.handle(makeCall());
    await clock.advance(1_000);
    expect(counts).toMatchObject({ connected: 5_000, methodsRead: 5_000 });
    for (let i = 0; i < 10; i++) {
      await clock.advance(1_000);
      endpoints[i] = endpointOf(i, counts, "2");
      endpoints.push(endpointOf(5_000 + i, counts));
      registry.say([...endpoints]);
    }
    expect(counts.connected).toBe(5_010);
    // Whether it says something new is read of the changed ones, and then what.
    expect(counts.methodsRead).toBeLessThan(5_010 + 10 * 5);
    expect(peers.get("10.0.0.3:50051")?.endpoint.metadata?.version).toBe("2");
  });

  test("is heard at once after a rest, and the changes of a tenth of a second together", async () => {
    const { endpoints, registry, layer, clock, counts } = fleetOf(5_000);
    await layer.handle(makeCall());
    await clock.advance(1_000);
    for (let i = 0; i < 1_000; i++) {
      endpoints.push(endpointOf(5_000 + i, counts));
      registry.say([...endpoints]);
      if (i === 0) expect(counts.connected).toBe(5_001);
      await layer.handle(makeCall());
      await clock.advance(2);
    }
    await clock.advance(200);
    await layer.handle(makeCall());
    expect(counts.connected).toBe(6_000);
    expect(counts.pickersMade).toBeLessThan(30);
  });

  test("is no change for balancers where the same is announced again", async () => {
    const { endpoints, registry, layer, clock, counts } = fleetOf(5_000);
    await layer.handle(makeCall());
    await clock.advance(1_000);
    await layer.handle(makeCall());
    const { pickersMade } = counts;
    for (let i = 0; i < 10; i++) {
      await clock.advance(1_000);
      registry.say(endpoints.map((endpoint) => ({ ...endpoint })));
      await layer.handle(makeCall());
    }
    expect(counts).toMatchObject({ connected: 5_000, pickersMade });
  });
});

test("5,000 endpoints are connected to a part in each turn, and those that come first are called", async () => {
  const { layer, clock, counts } = fleetOf(5_000);
  await layer.handle(makeCall());
  expect(counts.connected).toBe(10);
  for (let turn = 2; turn <= 500; turn++) {
    await clock.advance(1);
    expect(counts.connected).toBe(10 * turn);
  }
  await clock.advance(1_000);
  expect(layer.peers(service)).toHaveLength(5_000);
});

test("a channel that is closed meanwhile connects to no more", async () => {
  const { layer, clock, counts } = fleetOf(5_000);
  await layer.handle(makeCall());
  await layer.close();
  await clock.advance(1_000);
  expect(counts.connected).toBe(10);
});

describe("the states of 5,000 peers", () => {
  test("that connect one by one, with calls between, are not gone through for each", async () => {
    const { layer, clock, peers, counts } = fleetOf(5_000, "connecting");
    const first = layer.handle(makeCall());
    await clock.advance(1_000);
    for (const peer of peers.values()) {
      peer.become("ready");
      await layer.handle(makeCall());
      await clock.advance(0.2);
    }
    await first;
    expect(counts.pickersMade).toBeLessThan(15);
    await clock.advance(200);
    for (let i = 0; i < 5_000; i++) await layer.handle(makeCall());
    expect([...peers.values()].filter(({ calls }) => calls > 0)).toHaveLength(5_000);
  });

  test("that fail one by one get no call after that", async () => {
    const { layer, clock, peers, counts } = fleetOf(5_000);
    await layer.handle(makeCall());
    await clock.advance(1_000);
    const all = [...peers.values()];
    for (const [i, peer] of all.entries()) {
      if (i % 2 === 0) continue;
      peer.become("failed", "connection refused");
      peer.handle = () => Promise.reject(new Error("called after it failed"));
      await layer.handle(makeCall());
      await clock.advance(0.2);
    }
    expect(counts.pickersMade).toBeLessThan(15);
  });

  test("are not gone through for each call that fails while all are away", async () => {
    const { layer, clock, peers } = fleetOf(5_000, "failed");
    await layer.handle(makeCall()).catch(() => {});
    await clock.advance(10_000);
    await layer.handle(makeCall()).catch(() => {});
    const last = [...peers.values()].at(-1) as FakePeer;
    let reads = 0;
    Object.defineProperty(last, "state", {
      get() {
        reads++;
        return "failed";
      },
    });
    for (let i = 0; i < 1_000; i++) {
      await expect(layer.handle(makeCall())).rejects.toThrow("(5000 known, 5000 not connected)");
    }
    expect(reads).toBeLessThan(20);
  });

  test("wake a call that waits, however many fail before", async () => {
    const { layer, clock, peers, counts } = fleetOf(5_000, "connecting");
    const waits = layer.handle(makeCall());
    await clock.advance(1_000);
    const [good, ...bad] = [...peers.values()];
    for (const peer of bad) peer.become("failed", "connection refused");
    good?.become("ready");
    await clock.advance(200);
    await waits;
    expect(good?.calls).toBe(1);
    expect(counts.pickersMade).toBeLessThan(5);
  });
});

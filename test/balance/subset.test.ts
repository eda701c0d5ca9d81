import { expect, test, vi } from "vitest";
import { createRanking } from "../../src/balance/ranking.ts";
import { subset } from "../../src/balance/subset.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import type { Snapshot } from "../../src/registry/registry.ts";
import { fakeRegistry, seeded } from "./fakes.ts";

const fleet = Array.from({ length: 100 }, (_, i) => `10.0.0.${i}:50051`);

function seenBy(client: string, size: number, addresses: readonly string[]): string[] {
  const registry = fakeRegistry();
  registry.say(addresses);
  let seen: Snapshot | undefined;
  subset(registry, { size, client }).resolve("a.B", (snapshot) => {
    seen = snapshot;
  })();
  expect(registry.listeners).toBe(0);
  return seen?.endpoints.map(({ address }) => address) ?? [];
}

test("a client sees so many servers and always the same, in whatever order they come", () => {
  const seen = seenBy("client-1", 10, fleet);
  expect(new Set(seen).size).toBe(10);
  expect(seenBy("client-1", 10, fleet.toReversed())).toEqual(seen);
  expect(seenBy("client-2", 10, fleet)).not.toEqual(seen);
});

test("a small fleet is seen whole, and so is what the registry says of its certainty", () => {
  expect(seenBy("client-1", 10, fleet.slice(0, 10))).toEqual(fleet.slice(0, 10));
  const registry = fakeRegistry();
  registry.say(fleet, "stale", "connection refused");
  let seen: Snapshot | undefined;
  subset(registry, { size: 1, client: "x" }).resolve("a.B", (snapshot) => {
    seen = snapshot;
  });
  expect(seen).toMatchObject({ state: "stale", reason: "connection refused" });
});

test("a server that goes changes one of the subset at most", () => {
  const before = seenBy("client-1", 10, fleet);
  const without = seenBy(
    "client-1",
    10,
    fleet.filter((address) => address !== before[3]),
  );
  expect(without.filter((address) => !before.includes(address))).toHaveLength(1);
});

test("many clients together load the fleet evenly", () => {
  const clients = new Map(fleet.map((address) => [address, 0]));
  for (let i = 0; i < 1_000; i++) {
    for (const address of seenBy(`host-${i}`, 20, fleet)) clients.set(address, (clients.get(address) ?? 0) + 1);
  }
  for (const count of clients.values()) {
    expect(count).toBeGreaterThan(150);
    expect(count).toBeLessThan(250);
  }
});

test.each([1, 2, 3])("a fleet that changes is seen as one that was always so (seed %i)", (seed) => {
  const random = seeded(seed);
  const registry = fakeRegistry();
  const endpointOf = (i: number): Endpoint => ({ address: `10.0.${i >> 8}.${i & 255}:50051` });
  let list = Array.from({ length: 1_000 }, (_, i) => endpointOf(i));
  const clock = vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    registry.say(list);
    let seen: readonly Endpoint[] = [];
    const stop = subset(registry, { size: 10, client: "client-1" }).resolve("a.B", ({ endpoints }) => {
      seen = endpoints;
    });
    for (let step = 0; step < 400; step++) {
      const next = [...list];
      // Those that are seen go more often than others would, so that what is kept beside them is used up.
      for (let i = Math.floor(random() * 4); i > 0; i--) {
        const gone = random() < 0.5 ? next.indexOf(seen[i] as Endpoint) : Math.floor(random() * next.length);
        if (gone >= 0) next.splice(gone, 1);
      }
      for (let i = Math.floor(random() * 4); i > 0; i--) next.push(endpointOf(1_000 + 4 * step + i));
      list = next;
      registry.say(list);
      clock.advanceTimersByTime(300);
      expect(seen.map(({ address }) => address)).toEqual(
        seenBy(
          "client-1",
          10,
          list.map(({ address }) => address),
        ),
      );
    }
    stop();
  } finally {
    vi.useRealTimers();
  }
});

test("a change among 5,000 is looked at alone", () => {
  let reads = 0;
  const endpointOf = (i: number): Endpoint => ({
    get address() {
      reads++;
      return `10.0.${i >> 8}.${i & 255}:50051`;
    },
  });
  const ranking = createRanking(20, 1);
  let list = Array.from({ length: 5_000 }, (_, i) => endpointOf(i));
  ranking.of(list);
  reads = 0;
  for (let i = 0; i < 100; i++) {
    list = list.with(i * 7, endpointOf(5_000 + i)).toSpliced(i * 3 + 1, 1);
    const { items } = ranking.of(list);
    expect(items).toBeLessThan(300);
  }
  // Of each change what came and what went, and now and then those of the same rank.
  expect(reads).toBeLessThan(100 * 10);
});

test("a size that makes no sense is refused", () => {
  expect(() => subset(fakeRegistry(), { size: 0, client: "x" })).toThrow("subset size 0: give a positive integer");
});

test("a server outside the subset comes, changes and goes without a word", () => {
  const registry = fakeRegistry();
  const endpoints = fleet.map((address) => ({ address }));
  registry.say(endpoints.slice(0, 40));
  const heard: Snapshot[] = [];
  const stop = subset(registry, { size: 10, client: "client-1" }).resolve("a.B", (snapshot) => heard.push(snapshot));
  const chosen = heard[0]?.endpoints ?? [];
  const others = endpoints.slice(0, 40).filter((endpoint) => !chosen.includes(endpoint));
  registry.say([...chosen, ...others.slice(1)]);
  registry.say([...chosen, ...others.slice(1).map(({ address }) => ({ address, metadata: { weight: "2" } }))]);
  expect(heard).toHaveLength(1);
  registry.say([...chosen.slice(1), ...others]);
  registry.say([...chosen, ...others], "stale", "connection refused");
  expect(heard.map(({ state }) => state)).toEqual(["current", "current", "stale"]);
  stop();
});

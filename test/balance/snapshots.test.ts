import { expect, test } from "vitest";
import { balance } from "../../src/balance/balance.ts";
import { roundRobin } from "../../src/balance/round-robin.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { virtualClock } from "../simulator/virtual-clock.ts";
import { type FakePeer, fakePeer, fakeRegistry, makeCall, seeded, service } from "./fakes.ts";

// Snapshots one after another, of which each differs a little from the last, or much, or has twins, or is stale: what
// comes of them is what the last alone would make.
test.each([1, 2, 3, 4])(
  "peers and picks are those of the last snapshot, whatever came before (seed %i)",
  async (seed) => {
    const random = seeded(seed);
    const below = (n: number) => Math.floor(random() * n);
    const clock = virtualClock();
    const registry = fakeRegistry();
    const peers = new Map<string, FakePeer>();
    const layer = balance({
      resolver: registry,
      connect(endpoint, changed) {
        if (endpoint.address === "10.0.0.13:1000") throw new TypeError("it cannot be used");
        const peer = fakePeer(endpoint, changed);
        peers.set(endpoint.address, peer);
        return peer;
      },
      balancer: roundRobin({ random }),
      doubtMs: 0,
      clock,
      random,
    });
    const endpointOf = (i: number): Endpoint => ({
      address: i === 7 ? "unix:/run/a" : `10.0.0.${i}:1000`,
      metadata: { weight: String(below(3)), methods: `${service}/${random() < 0.8 ? "Echo" : "Echo,Other"}` },
    });
    const versions = (endpoints: readonly Endpoint[]) => {
      const first = new Map<string, Endpoint>();
      for (const endpoint of endpoints) if (!first.has(endpoint.address)) first.set(endpoint.address, endpoint);
      return first;
    };
    const isUsable = ({ address }: Endpoint) => address !== "unix:/run/a" && address !== "10.0.0.13:1000";
    let list: Endpoint[] = Array.from({ length: 60 }, (_, i) => endpointOf(i));
    registry.say(list);
    await layer.handle(makeCall());
    for (let step = 0; step < 400; step++) {
      const what = random();
      if (what < 0.05) list = list.map((endpoint) => ({ ...endpoint }));
      else if (what < 0.1) list.sort(() => random() - 0.5);
      else {
        for (let i = below(4); i > 0 && list.length > 20; i--) list.splice(below(list.length), 1);
        for (let i = below(4); i > 0; i--) list.splice(below(list.length + 1), 0, endpointOf(below(100)));
        for (let i = below(3); i > 0; i--) {
          const at = below(list.length);
          list[at] = { ...(list[at] as Endpoint), metadata: endpointOf(0).metadata as Record<string, string> };
        }
      }
      const stale = random() < 0.1;
      if (stale) registry.say(list.slice(below(20)), "stale", "it is away");
      registry.say([...list]);
      await clock.advance(random() < 0.5 ? 0 : 50);
      const listed = [...versions(list).values()].filter(isUsable);
      if (random() < 0.3) peers.get(listed[below(listed.length)]?.address ?? "")?.become("failed", "refused");
      if (random() < 0.3) for (const peer of peers.values()) if (peer.state === "failed") peer.become("ready");
      if (random() < 0.5) continue;
      await clock.advance(50);
      const there = new Map(layer.peers(service).map((peer) => [peer.endpoint.address, peer.endpoint.metadata]));
      expect(there).toEqual(new Map(listed.map(({ address, metadata }) => [address, metadata])));
      const ready = listed.filter(({ address }) => peers.get(address)?.ready);
      for (const peer of peers.values()) peer.calls = 0;
      for (let i = 0; i < ready.length; i++) await layer.handle(makeCall());
      expect(ready.map(({ address }) => peers.get(address)?.calls)).toEqual(ready.map(() => 1));
    }
    await layer.close();
  },
);

import { describe, expect, test } from "vitest";
import type { Picker } from "../../src/balance/balancer.ts";
import { canary } from "../../src/balance/canary.ts";
import { consistentHash } from "../../src/balance/consistent-hash.ts";
import { leastLoaded } from "../../src/balance/least-loaded.ts";
import { peakEwma } from "../../src/balance/peak-ewma.ts";
import { roundRobin } from "../../src/balance/round-robin.ts";
import { weighted } from "../../src/balance/weighted.ts";
import { zoneAware } from "../../src/balance/zone-aware.ts";
import type { Call } from "../../src/core/call.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { Peer } from "../../src/core/transport.ts";
import { balancerContract } from "../contract/balancer.ts";
import { virtualClock } from "../simulator/virtual-clock.ts";
import { type FakePeer, fakePeers, makeCall, reply, seeded } from "./fakes.ts";

balancerContract({ name: "roundRobin", make: (random) => roundRobin({ random }), unevenness: 0.001 });
balancerContract({ name: "leastLoaded", make: (random) => leastLoaded({ random }), unevenness: 0.1 });
balancerContract({ name: "peakEwma", make: (random) => peakEwma({ random, clock: virtualClock() }), unevenness: 0.1 });
balancerContract({
  name: "canary that nobody asks for",
  make: (random) => canary(roundRobin({ random }), { canaryOf: () => undefined, random }),
  unevenness: 0.001,
});
balancerContract({ name: "weighted", make: (random) => weighted({ random }), unevenness: 0.001 });
balancerContract({
  name: "consistentHash",
  make: (random) => consistentHash({ key: "user", random }),
  unevenness: 0.3,
});
balancerContract({
  name: "consistentHash with a bound",
  make: (random) => consistentHash({ key: "user", maxLoadFactor: 1.25, random }),
  unevenness: 0.3,
});
balancerContract({
  name: "zoneAware over consistentHash",
  make: (random) => zoneAware({ zone: "a", balancer: consistentHash({ key: "user", random }) }),
  unevenness: 0.3,
});
balancerContract({
  name: "zoneAware",
  make: (random) => zoneAware({ zone: "a", balancer: leastLoaded({ random }) }),
  unevenness: 0.1,
});

const [a, b, c] = ["10.0.0.0:50051", "10.0.0.1:50051", "10.0.0.2:50051"];

/** The addresses of so many picks. */
function picks(pick: Picker, count: number, call: (i: number) => Call = () => makeCall()): (string | undefined)[] {
  return Array.from({ length: count }, (_, i) => pick(call(i))?.endpoint.address);
}

function countOf(picked: readonly unknown[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of picked) counts[String(each)] = (counts[String(each)] ?? 0) + 1;
  return counts;
}

const ofUser = (user: number) => makeCall({ metadata: Metadata.from({ user: `user-${user}` }) });

/** Peers that come, go and say something new of themselves, as a balancer hears of it. */
function* changing(seed: number, metadata: () => Record<string, string>) {
  const random = seeded(seed);
  const away = fakePeers(300, metadata);
  const here = new Set(away.splice(0, 100));
  yield { here, gone: [] as FakePeer[], come: [...here], random };
  for (let step = 0; step < 60; step++) {
    const gone = [...here].filter(() => random() < 0.03);
    const come = away.splice(0, Math.floor(random() * 7));
    const altered = [...here].filter((peer) => !gone.includes(peer) && random() < 0.02);
    for (const peer of altered) peer.endpoint = { ...peer.endpoint, metadata: metadata() };
    for (const peer of gone) here.delete(peer);
    for (const peer of come) here.add(peer);
    away.push(...gone);
    yield { here, gone: [...gone, ...altered], come: [...come, ...altered], random };
  }
}

describe("a picker made of the one before", () => {
  test.each([1, 2, 3])("sends each key where one made anew sends it (seed %i)", (seed) => {
    const random = seeded(seed + 100);
    const metadata = () => ({ zone: random() < 0.3 ? "a" : "b" });
    const hashed = consistentHash({ key: "user" });
    for (const balancer of [hashed, zoneAware({ zone: "a", balancer: hashed })]) {
      let pick: Picker | undefined;
      for (const { here, gone, come } of changing(seed, metadata)) {
        pick = balancer([...here], undefined, pick && { picker: pick, gone, come });
        const anew = balancer([...here]);
        for (let user = 0; user < 200; user++) expect(pick(ofUser(user))).toBe(anew(ofUser(user)));
      }
    }
  });

  test.each([1, 2, 3])("calls each peer as often as its weight says by now (seed %i)", (seed) => {
    const random = seeded(seed + 100);
    const balancer = weighted({ random });
    const weight = () => ({ weight: String(Math.floor(random() * 4)) });
    let pick: Picker | undefined;
    for (const { here, gone, come } of changing(seed, weight)) {
      pick = balancer([...here], undefined, pick && { picker: pick, gone, come });
      const weightOf = (peer: Peer | undefined) => Number(peer?.endpoint.metadata?.weight);
      const total = [...here].reduce((sum, peer) => sum + weightOf(peer), 0);
      const picked = new Map<Peer | undefined, number>();
      for (let i = 0; i < 5 * total; i++) {
        const peer = pick(makeCall());
        picked.set(peer, (picked.get(peer) ?? 0) + 1);
      }
      expect(new Set(picked.keys())).toEqual(new Set([...here].filter((peer) => weightOf(peer) > 0)));
      for (const [peer, count] of picked) expect(Math.abs(count - 5 * weightOf(peer))).toBeLessThanOrEqual(2);
    }
  });

  test("of peers of weight 0 calls them until there are others, and again when those have gone", () => {
    const balancer = weighted();
    const [zero, one] = fakePeers(2, (i) => ({ weight: String(i) })) as [FakePeer, FakePeer];
    const first = balancer([zero]);
    expect(first(makeCall())).toBe(zero);
    const second = balancer([zero, one], undefined, { picker: first, gone: [], come: [one] });
    for (let i = 0; i < 5; i++) expect(second(makeCall())).toBe(one);
    const third = balancer([zero], undefined, { picker: second, gone: [one], come: [] });
    expect(third(makeCall())).toBe(zero);
  });
});

describe("roundRobin", () => {
  test("takes one after the other, from a random start", () => {
    expect(picks(roundRobin({ random: () => 0.5 })(fakePeers(3)), 4)).toEqual([b, c, a, b]);
    expect(picks(roundRobin({ random: () => 0.99 })(fakePeers(3)), 4)).toEqual([c, a, b, c]);
  });
});

describe("leastLoaded", () => {
  test("takes the one with fewer calls in flight", () => {
    const peers = fakePeers(2);
    (peers[0] as FakePeer).inflight = 1;
    expect(new Set(picks(leastLoaded({ random: seeded() })(peers), 100))).toEqual(new Set([b]));
  });

  test("keeps the calls in flight level when one server is ten times slower", () => {
    const peers = fakePeers(10);
    const pick = leastLoaded({ random: seeded() })(peers);
    const ends: { peer: FakePeer; at: number }[] = [];
    let most = 0;
    for (let at = 0; at < 10_000; at++) {
      for (const { peer } of ends.filter((end) => end.at === at)) peer.inflight--;
      const peer = pick(makeCall()) as FakePeer;
      peer.inflight++;
      ends.push({ peer, at: at + (peer === peers[0] ? 100 : 10) });
      ends.splice(0, ends.length, ...ends.filter((end) => end.at > at));
      most = Math.max(most, peer.inflight);
    }
    expect(most).toBeLessThanOrEqual(5);
  });
});

describe("peakEwma", () => {
  /** Sends calls one after the other, each taking as long as its peer does, and returns each peer's share of them. */
  async function shares(latenciesMs: readonly number[], calls: number, failing: readonly number[] = [], firstMs = 0) {
    const clock = virtualClock();
    const peers = fakePeers(latenciesMs.length);
    for (const [i, peer] of peers.entries()) {
      peer.handle = async () => {
        peer.calls++;
        await clock.advance(i === 0 && peer.calls === 1 && firstMs > 0 ? firstMs : (latenciesMs[i] as number));
        if (failing.includes(i)) throw new Error("failed");
        return reply;
      };
    }
    const pick = peakEwma({ clock, random: seeded() })(peers);
    for (let i = 0; i < calls; i++) {
      const call = makeCall();
      await pick(call)
        ?.handle(call)
        .catch(() => {});
    }
    return peers.map((peer) => peer.calls / calls);
  }

  test("prefers the peer that answers sooner", async () => {
    const [fast, slow] = await shares([2, 50], 500);
    expect(fast).toBeGreaterThan(0.95);
    expect(slow).toBeGreaterThan(0);
  });

  test("tries a slow peer again after a while", async () => {
    const [, slow] = await shares([10, 50], 5_000);
    expect(slow).toBeGreaterThan(2 / 5_000);
  });

  test("takes a peak at once and forgets it little by little", async () => {
    // The first peer takes 400 ms for its first call and 5 for all others; the second always 50.
    const [soon] = await shares([5, 50], 20, [], 400);
    const [later] = await shares([5, 50], 4_000, [], 400);
    expect(soon).toBeLessThan(0.2);
    expect(later).toBeGreaterThan(0.8);
  });

  test("asks the peer itself for a sign of life, and closes it", async () => {
    const [peer] = fakePeers(1) as [FakePeer];
    const picked = peakEwma()([peer])(makeCall());
    picked?.probe?.();
    await picked?.close();
    expect([peer.probes, peer.closed]).toEqual([1, true]);
  });

  test("does not take a server that fails fast for a fast one", async () => {
    const [, failing] = await shares([20, 1], 500, [1]);
    expect(failing).toBeLessThan(0.1);
  });

  test("passes on what the peer says of itself", () => {
    const peers = fakePeers(1);
    const picked = peakEwma()(peers)(makeCall());
    (peers[0] as FakePeer).inflight = 7;
    (peers[0] as FakePeer).become("failed", "connection refused");
    expect(picked).toMatchObject({ inflight: 7, ready: false, state: "failed", reason: "connection refused" });
  });
});

describe("weighted", () => {
  const by = (...weights: (string | undefined)[]) =>
    fakePeers(weights.length, (i): Record<string, string> => {
      const weight = weights[i];
      return weight === undefined ? {} : { weight };
    });

  test("calls each as often as its weight says", () => {
    const picked = picks(weighted({ random: seeded() })(by("5", "3", "2")), 1_000);
    expect(countOf(picked)).toEqual({ [a as string]: 500, [b as string]: 300, [c as string]: 200 });
  });

  test("spreads a heavy peer's turns evenly", () => {
    const picked = picks(weighted({ random: seeded() })(by("3", "1", "1")), 100).join(" ");
    expect(picked).not.toContain(`${a} ${a} ${a} ${a}`);
  });

  test("takes 1 where there is no weight or none that makes sense", () => {
    const picked = picks(weighted({ random: seeded() })(by(undefined, "heavy", "-4", "1", "")), 1_000);
    expect(Object.values(countOf(picked))).toEqual([200, 200, 200, 200, 200]);
  });

  test("leaves out a peer of weight 0 while there is another", () => {
    expect(new Set(picks(weighted({ random: seeded() })(by("0", "1")), 100))).toEqual(new Set([b]));
    expect(new Set(picks(weighted({ random: seeded() })(by("0", "0")), 100))).toEqual(new Set([a, b]));
  });
});

describe("consistentHash", () => {
  test("sends the same key to the same peer, in whatever order the peers come", () => {
    const peers = fakePeers(20);
    const one = picks(consistentHash({ key: "user" })(peers), 200, ofUser);
    const other = picks(consistentHash({ key: "user" })(peers.toReversed()), 200, ofUser);
    expect(one).toEqual(other);
  });

  test("moves only the keys of a peer that goes", () => {
    const peers = fakePeers(20);
    const balancer = consistentHash({ key: "user" });
    const before = picks(balancer(peers), 2_000, ofUser);
    const gone = peers[7]?.endpoint.address;
    const after = picks(balancer(peers.toSpliced(7, 1)), 2_000, ofUser);
    for (const [i, address] of before.entries()) {
      if (address !== gone) expect(after[i]).toBe(address);
      else expect(after[i]).not.toBe(gone);
    }
  });

  test("sends calls without a key anywhere", () => {
    expect(new Set(picks(consistentHash({ key: "user", random: seeded() })(fakePeers(5)), 200)).size).toBe(5);
  });

  test("can take its key from anything in the call", () => {
    const pick = consistentHash({ key: ({ request }) => (request as { id: string }).id })(fakePeers(20));
    const to = (id: string) => pick(makeCall({ request: { id } }))?.endpoint.address;
    expect(to("one")).toBe(to("one"));
    expect(new Set(["one", "two", "three", "four", "five"].map(to)).size).toBeGreaterThan(1);
  });

  test("a retry goes to the next peer on the ring, the same each time", () => {
    const pick = consistentHash({ key: "user" })(fakePeers(20));
    const first = pick(ofUser(1))?.endpoint.address;
    const again = () => pick(ofUser(1).with({ avoid: first }))?.endpoint.address;
    expect(again()).not.toBe(first);
    expect(again()).toBe(again());
  });

  test("a peer that starts slowly takes its keys one by one, and none goes anywhere else meanwhile", () => {
    const peers = fakePeers(10);
    const newcomer = peers[9] as FakePeer;
    let share = 0;
    const balancer = consistentHash({ key: "user" });
    const without = balancer(peers.slice(0, 9));
    const pick = balancer(peers, () => (peer) => (peer === newcomer ? share : 1));
    const final = balancer(peers);
    const taken = new Set<number>();
    for (share of [0.1, 0.4, 0.7, 1]) {
      const before = taken.size;
      for (let user = 0; user < 2_000; user++) {
        const peer = pick(ofUser(user));
        if (peer === newcomer) taken.add(user);
        else {
          expect(taken.has(user)).toBe(false);
          expect(peer).toBe(without(ofUser(user)));
        }
      }
      expect(taken.size).toBeGreaterThan(before);
    }
    for (let user = 0; user < 2_000; user++) expect(taken.has(user)).toBe(final(ofUser(user)) === newcomer);
  });

  test("passes over a peer that has its fill, where loads are bounded", () => {
    const peers = fakePeers(4);
    const pick = consistentHash({ key: "user", maxLoadFactor: 1.25 })(peers);
    for (let i = 0; i < 100; i++) (pick(ofUser(1)) as FakePeer).inflight++;
    // The bound is kept up to date once in as many picks as there are peers, so it may lag by that many.
    for (const { inflight } of peers) expect(inflight).toBeLessThanOrEqual(Math.ceil((1.25 * 104) / 4));
  });
});

describe("zoneAware", () => {
  const zones = ["here", "here", "there", "there"];
  const inZones = () => fakePeers(4, (i) => ({ zone: zones[i] as string }));
  const balancer = zoneAware({ zone: "here", balancer: leastLoaded({ random: seeded() }) });

  test("stays in the zone", () => {
    expect(new Set(picks(balancer(inZones()), 200))).toEqual(new Set([a, b]));
  });

  test("goes elsewhere when nobody in the zone is ready", () => {
    expect(new Set(picks(balancer(inZones().slice(2)), 200)).size).toBe(2);
  });

  test("spills over when the zone is clearly busier, and comes back", () => {
    const peers = inZones();
    const pick = balancer(peers);
    const load = (inflight: readonly number[]) => {
      for (const [i, peer] of peers.entries()) peer.inflight = inflight[i] as number;
      return new Set(picks(pick, 100).map((address) => zones[peers.findIndex((p) => p.endpoint.address === address)]));
    };
    expect(load([4, 4, 0, 0])).toEqual(new Set(["here"]));
    expect(load([20, 20, 9, 9])).toEqual(new Set(["here"]));
    expect(load([20, 20, 1, 1])).toEqual(new Set(["there"]));
    expect(load([2, 2, 1, 1])).toEqual(new Set(["here"]));
  });

  test("takes all where no server says its zone", () => {
    expect(new Set(picks(balancer(fakePeers(4)), 200)).size).toBe(4);
  });
});

import { describe, expect, test } from "vitest";
import { avoiding } from "../../src/balance/avoid.ts";
import type { Balancer } from "../../src/balance/balancer.ts";
import { createPickings } from "../../src/balance/picking.ts";
import type { Call } from "../../src/core/call.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { Peer } from "../../src/core/transport.ts";
import { type FakePeer, fakePeer, fakePeers, makeCall, seeded } from "../balance/fakes.ts";
import { virtualClock } from "../simulator/virtual-clock.ts";

export interface BalancerContract {
  readonly name: string;
  readonly make: (random: () => number) => Balancer;
  /** How far from its fair share, as a part of it, a peer's share of 20,000 calls among ten equal peers may be. */
  readonly unevenness: number;
}

/** The calls of many users: each has a key of its own, for balancers that look at it. */
function userCall(user: number, avoid?: string): Call {
  return makeCall({ metadata: Metadata.from({ user: `user-${user}` }), avoid });
}

/** What every balancer does. */
export function balancerContract({ name, make, unevenness }: BalancerContract): void {
  describe(`${name}, as every balancer,`, () => {
    const balancer = make(seeded());
    const addressOf = (peer: Peer | undefined) => peer?.endpoint.address;

    test("picks the only peer there is, also where it is to be avoided", () => {
      const only = fakePeer("10.0.0.1:50051");
      const pick = balancer([only]);
      for (let i = 0; i < 10; i++) expect(addressOf(pick(userCall(i)))).toBe("10.0.0.1:50051");
      expect(addressOf(pick(userCall(1, "10.0.0.1:50051")))).toBe("10.0.0.1:50051");
    });

    test("picks nobody where there is nobody", () => {
      const pick = balancer([]);
      for (let i = 0; i < 10; i++) expect(pick(userCall(i))).toBeUndefined();
    });

    test("spreads calls over equal peers", () => {
      const peers = fakePeers(10);
      const pick = balancer(peers);
      const picked = new Map<string | undefined, number>();
      for (let i = 0; i < 20_000; i++) {
        const address = addressOf(pick(userCall(i)));
        picked.set(address, (picked.get(address) ?? 0) + 1);
      }
      expect(new Set(picked.keys())).toEqual(new Set(peers.map(addressOf)));
      for (const count of picked.values()) expect(Math.abs(count / 2_000 - 1)).toBeLessThan(unevenness);
    });

    test("reaches each of two peers and of a thousand", () => {
      for (const count of [2, 1_000]) {
        const pick = balancer(fakePeers(count));
        const reached = new Set<string | undefined>();
        for (let i = 0; i < count * 20; i++) reached.add(addressOf(pick(userCall(i))));
        expect(reached.size).toBeGreaterThan(count * 0.99);
      }
    });

    test("is kept from the peer of the attempt before", () => {
      for (const count of [2, 3, 10]) {
        const peers = fakePeers(count);
        const pick = avoiding(peers, balancer(peers), seeded());
        for (let i = 0; i < 500; i++) {
          const first = addressOf(pick(userCall(i)));
          const second = addressOf(pick(userCall(i, first)));
          expect(second).not.toBe(first);
          expect(second).toBeDefined();
        }
      }
    });

    test("makes pickers that do not disturb each other", () => {
      const [left, right] = [fakePeers(3), fakePeers(6).slice(3)];
      const pickers = [balancer(left), balancer(right)] as const;
      for (let i = 0; i < 60; i++) {
        expect(left.map(addressOf)).toContain(addressOf(pickers[0](userCall(i))));
        expect(right.map(addressOf)).toContain(addressOf(pickers[1](userCall(i))));
      }
    });

    test("picks as if it were made anew where it takes the place of another picker", () => {
      const random = seeded(7);
      const away = fakePeers(60);
      const here = new Set(away.splice(0, 20));
      let pick = balancer([...here]);
      for (let step = 0; step < 300; step++) {
        // In the end ten are left, so that the calls of each can be counted.
        const leaves = [...here].filter(() => random() < (step < 290 ? 0.05 : 0.2) && here.size > 10);
        const gone = leaves.slice(0, here.size - 10);
        const come = step < 290 ? away.splice(0, Math.floor(random() * 3)) : [];
        const altered = [...here].filter((peer) => !gone.includes(peer) && random() < 0.02);
        for (const peer of gone) here.delete(peer);
        for (const peer of come) here.add(peer);
        away.push(...gone);
        pick = balancer([...here], undefined, {
          picker: pick,
          gone: [...gone, ...altered],
          come: [...come, ...altered],
        });
        const addresses = new Set([...here].map(addressOf));
        for (let i = 0; i < 20; i++) expect(addresses).toContain(addressOf(pick(userCall(i))));
      }
      const picked = new Map<string | undefined, number>();
      for (let i = 0; i < 2_000 * here.size; i++) {
        const address = addressOf(pick(userCall(i)));
        picked.set(address, (picked.get(address) ?? 0) + 1);
      }
      expect(new Set(picked.keys())).toEqual(new Set([...here].map(addressOf)));
      for (const count of picked.values()) expect(Math.abs(count / 2_000 - 1)).toBeLessThan(Math.max(unevenness, 0.01));
    });

    test("picks nobody any more, and then somebody again, where all went and some came", () => {
      const [before, after] = [fakePeers(3), fakePeers(5).slice(3)];
      const nobody = balancer([], undefined, { picker: balancer(before), gone: before, come: [] });
      expect(nobody(userCall(1))).toBeUndefined();
      const pick = balancer(after, undefined, { picker: nobody, gone: [], come: after });
      for (let i = 0; i < 10; i++) expect(after.map(addressOf)).toContain(addressOf(pick(userCall(i))));
    });

    /** The part of its fair share that each peer has of 20,000 calls, some of them ready since one time, some another. */
    function sharesOf(peers: readonly FakePeer[], readyForMs: (i: number) => number): number[] {
      const clock = virtualClock(1_000_000);
      const since = new Map(peers.map(({ endpoint }, i) => [endpoint.address, clock.now() - readyForMs(i)]));
      const pickings = createPickings({
        balancer,
        clock,
        random: seeded(),
        slowStartMs: 10_000,
        readySinceMs: (address) => since.get(address) as number,
      });
      for (const peer of peers) pickings.look({ peer, methods: undefined }, false);
      const { pick } = pickings.next();
      const picked = new Map<string | undefined, number>();
      for (let i = 0; i < 20_000; i++) {
        const address = addressOf(pick(userCall(i)));
        picked.set(address, (picked.get(address) ?? 0) + 1);
      }
      return peers.map(({ endpoint }) => ((picked.get(endpoint.address) ?? 0) * peers.length) / 20_000);
    }

    test("gives a new peer a tenth of its share at first, then half, then all", () => {
      const shareAfter = (ms: number) => sharesOf(fakePeers(10), (i) => (i === 7 ? ms : 100_000))[7] as number;
      const shares = [0, 5_000, 10_000].map(shareAfter);
      expect(shares[0]).toBeGreaterThan(0.01);
      expect(shares[0]).toBeLessThan(0.25);
      expect(shares[1]).toBeGreaterThan(0.3);
      expect(shares[1]).toBeLessThan(0.75);
      expect(Math.abs((shares[2] as number) - 1)).toBeLessThan(unevenness);
    });

    test("spares the new half of a fleet", () => {
      const shares = sharesOf(fakePeers(10), (i) => (i < 5 ? 0 : 100_000));
      for (const share of shares.slice(0, 5)) expect(share).toBeLessThan(0.4);
      for (const share of shares.slice(5)) expect(share).toBeGreaterThan(1.2);
    });

    test("holds nobody back where all are new, or in panic", () => {
      for (const share of sharesOf(fakePeers(10), () => 0)) expect(Math.abs(share - 1)).toBeLessThan(unevenness);
      const mostEjected = fakePeers(10);
      for (const peer of mostEjected.slice(3)) peer.become("ejected");
      for (const share of sharesOf(mostEjected, (i) => (i < 3 ? 100_000 : 0))) {
        expect(Math.abs(share - 1)).toBeLessThan(unevenness);
      }
    });

    test("hands the call to the peer that it picked", async () => {
      const peer = fakePeer("10.0.0.1:50051");
      await balancer([peer])(userCall(1))?.handle(userCall(1));
      expect(peer.calls).toBe(1);
    });
  });
}

import { describe, expect, test } from "vitest";
import { createUsable } from "../../src/balance/usable.ts";
import type { Peer, PeerState } from "../../src/core/transport.ts";
import { type FakePeer, fakePeers, seeded } from "./fakes.ts";

/** What is to come out, gone through from the first to the last. */
function expected(peers: readonly FakePeer[]): { readonly peers: ReadonlySet<Peer>; readonly panic: boolean } {
  const ready = peers.filter((peer) => peer.ready);
  const steady = ready.filter(({ onTrial }) => !onTrial);
  const ejected = peers.filter(({ state }) => state === "ejected");
  const silent = peers.filter(({ state }) => state === "silent");
  const panic = steady.length > 0 && steady.length * 2 < ready.length + ejected.length;
  if (panic) return { peers: new Set([...ready, ...ejected]), panic };
  if (ready.length > 0) return { peers: new Set(ready), panic };
  return { peers: new Set(peers.every(({ state }) => state === "unserved") ? peers : silent), panic };
}

const states: readonly PeerState[] = [
  "ready",
  "ready",
  "ready",
  "ejected",
  "silent",
  "failed",
  "connecting",
  "unserved",
];

describe("the usable peers", () => {
  test.each([1, 2, 3, 4, 5])("kept up one by one are those that are gone through at once (seed %i)", (seed) => {
    const random = seeded(seed);
    const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const away = fakePeers(12);
    const here: FakePeer[] = [];
    const usable = createUsable();
    /** As a balancer would hold them that is told of differences alone. */
    let held: Set<Peer> | undefined;
    for (let step = 0; step < 3_000; step++) {
      const what = random();
      if (what < 0.15 && away.length > 0) {
        const peer = away.splice(Math.floor(random() * away.length), 1)[0] as FakePeer;
        here.push(peer);
        usable.look(peer, false);
      } else if (what < 0.25 && here.length > 0) {
        const peer = here.splice(Math.floor(random() * here.length), 1)[0] as FakePeer;
        away.push(peer);
        usable.leave(peer);
      } else if (here.length > 0) {
        const peer = oneOf(here);
        peer.state = oneOf(step % 500 < 400 ? states : (["unserved", "unserved", "ejected"] as const));
        peer.onTrial = peer.ready && random() < 0.2;
        usable.look(peer, random() < 0.1);
      }
      expect(usable.connecting).toBe(here.some(({ state }) => state === "connecting"));
      if (random() < 0.5) continue;
      const { peers, panic, differences } = usable.take();
      expect({ peers: new Set(peers), panic }).toEqual(expected(here));
      expect(peers.length).toBe(new Set(peers).size);
      if (held !== undefined && differences !== undefined) {
        for (const peer of differences.gone) expect(held.delete(peer)).toBe(true);
        for (const peer of differences.come) held.add(peer);
        expect(held).toEqual(new Set(peers));
      }
      held = panic || !here.some(({ ready }) => ready) ? undefined : new Set(peers);
      if (held === undefined) expect(differences).toBeUndefined();
    }
  });

  test("tell of one whose endpoint says something new that it has gone and come", () => {
    const usable = createUsable();
    const [one, other] = fakePeers(2) as [FakePeer, FakePeer];
    for (const peer of [one, other]) usable.look(peer, false);
    usable.take();
    usable.look(other, true);
    expect(usable.take().differences).toEqual({ gone: [other], come: [other] });
    expect(usable.take().differences).toEqual({ gone: [], come: [] });
  });

  test("remember no more than a part of those that came and went while nobody asked", () => {
    const usable = createUsable();
    for (const peer of fakePeers(10)) usable.look(peer, false);
    usable.take();
    for (const peer of fakePeers(1_000)) {
      usable.look(peer, false);
      expect(usable.connecting).toBe(false);
      usable.leave(peer);
    }
    for (const peer of fakePeers(1_000)) usable.look(peer, false);
    const { peers, differences } = usable.take();
    expect(peers).toHaveLength(1_010);
    expect(differences).toBeUndefined();
  });
});

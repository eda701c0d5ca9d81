import type { Differences } from "../core/differences.ts";
import { createRoster } from "../core/roster.ts";
import type { Peer } from "../core/transport.ts";

/** The peers that calls may go to, kept up one by one: thousands are not gone through for a change of one. */
export interface Usable {
  /** One came, or its state has changed; or where it `isNew` it is back, or its endpoint says something else of it. */
  look(peer: Peer, isNew: boolean): void;
  leave(peer: Peer): void;
  /** Whether one is still connecting. */
  readonly connecting: boolean;
  /** The peers as they are now. */
  take(): Taken;
}

export interface Taken {
  readonly peers: readonly Peer[];
  /** Most circuits are open, and all connected peers are picked from. */
  readonly panic: boolean;
  /** From what was taken before; `undefined` where it is not known, or so much that it is no help. */
  readonly differences: Differences<Peer> | undefined;
}

type Standing = "steady" | "trial" | "ejected" | "connecting" | "other";

/**
 * Calls may go to the peers that are ready. When most of the connected ones are ejected, to all of them, since then the
 * few that are left would be given a load that they cannot bear either (Envoy's panic threshold, 50 %:
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/panic_threshold). One that is on
 * trial bears no load, and is no reason to call the others: where there is none but such, it has its one call.
 *
 * To none where every circuit is open: that is said at once. Where none is ready, to those that are silent: they may yet
 * answer. To servers of other services (`unserved`) only where there are no others: then what they say is the answer.
 */
export function createUsable(): Usable {
  const standings = new Map<Peer, Standing>();
  const counts: Record<Standing, number> = { steady: 0, trial: 0, ejected: 0, connecting: 0, other: 0 };
  const ready = createRoster<Peer>();
  /** To be looked at once somebody wants to know: it may be asked while its state is still changing. */
  const unseen = new Set<Peer>();
  /** Since they were taken last, where that is `remembered`. */
  const gone = new Set<Peer>();
  const come = new Set<Peer>();
  const altered = new Set<Peer>();
  let remembered = false;

  function look(): void {
    for (const peer of unseen) stand(peer, standingOf(peer));
    unseen.clear();
  }

  function stand(peer: Peer, standing: Standing | undefined): void {
    const before = standings.get(peer);
    if (before !== undefined) counts[before]--;
    if (standing === undefined) standings.delete(peer);
    else {
      counts[standing]++;
      standings.set(peer, standing);
    }
    if (standing === "steady" || standing === "trial") {
      if (ready.has(peer)) return;
      ready.add(peer);
      if (!gone.delete(peer)) remember(come, peer);
    } else if (ready.delete(peer) && !come.delete(peer)) remember(gone, peer);
  }

  /** Where nobody picks, those that come and go are not kept for ever. */
  function remember(those: Set<Peer>, peer: Peer): void {
    if (!remembered) return;
    those.add(peer);
    if (gone.size + come.size + altered.size > 16 + ready.size / 4) forget();
  }

  function forget(): void {
    remembered = false;
    for (const those of [gone, come, altered]) those.clear();
  }

  function differences(): Differences<Peer> | undefined {
    if (!remembered) return undefined;
    const same = [...altered].filter((peer) => ready.has(peer) && !come.has(peer));
    return { gone: [...gone, ...same], come: [...come, ...same] };
  }

  /** None is ready, or most are not: rare, and so all are asked. */
  function those(which: (standing: Standing, peer: Peer) => boolean, panic: boolean): Taken {
    forget();
    const peers = [...standings].filter(([peer, standing]) => which(standing, peer)).map(([peer]) => peer);
    return { peers, panic, differences: undefined };
  }

  return {
    look(peer, isNew) {
      unseen.add(peer);
      if (isNew) remember(altered, peer);
    },
    leave(peer) {
      unseen.delete(peer);
      altered.delete(peer);
      stand(peer, undefined);
    },
    get connecting() {
      look();
      return counts.connecting > 0;
    },
    take() {
      look();
      const { steady, ejected } = counts;
      if (ready.size === 0) {
        const strangers = [...standings.keys()].every(({ state }) => state === "unserved");
        return those((_, peer) => strangers || peer.state === "silent", false);
      }
      if (steady > 0 && steady * 2 < ready.size + ejected) {
        return those((standing) => standing !== "connecting" && standing !== "other", true);
      }
      const taken = { peers: ready.list(), panic: false, differences: differences() };
      forget();
      remembered = true;
      return taken;
    },
  };
}

function standingOf(peer: Peer): Standing {
  if (peer.ready) return peer.onTrial === true ? "trial" : "steady";
  const { state } = peer;
  return state === "ejected" || state === "connecting" ? state : "other";
}

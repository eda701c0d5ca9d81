import type { Clock } from "../core/clock.ts";
import { restMs } from "../core/pace.ts";
import type { Peer } from "../core/transport.ts";
import { allFailedHere, nobodyReady } from "./explain.ts";
import type { Candidate } from "./picking.ts";

export interface Reason {
  readonly text: string;
  /** True where it lies on this side with all of them. */
  readonly isOwn: boolean;
  /** Until when it stands, on the clock. */
  readonly untilMs: number;
}

/** What is done about calls that no peer can take. */
export interface Refusals {
  /** Why none can take a call of the method, in the words of an error; without one, of any. */
  reason(method: string | undefined): Reason;
  /** Has some peers that failed, or have an open circuit, tried again soon; of those that serve the method, where one is given. */
  hurry(method: string | undefined): void;
}

export interface RefusalsOptions {
  readonly service: string;
  readonly all: () => readonly Candidate[];
  readonly clock: Clock;
  readonly random: () => number;
}

/** Peers that one call has tried again. */
const mostHurried = 3;
/** Methods whose reasons are kept. */
const mostKept = 100;

/** Goes through all peers not for each such call, but once in the rest that a list of their length is given. */
export function createRefusals({ service, all, clock, random }: RefusalsOptions): Refusals {
  const reasons = new Map<string | undefined, Reason>();
  let hurryFromMs = Number.NEGATIVE_INFINITY;

  const candidates = (method: string | undefined): readonly Peer[] =>
    (method === undefined ? all() : serving(all(), method)).map(({ peer }) => peer);

  return {
    reason(method) {
      const known = reasons.get(method);
      const nowMs = clock.now();
      if (known !== undefined && nowMs < known.untilMs) return known;
      const peers = candidates(method);
      const reason = {
        text: nobodyReady(service, method, peers, all().length),
        isOwn: allFailedHere(peers),
        untilMs: nowMs + restMs(all().length),
      };
      if (reasons.size >= mostKept) reasons.clear();
      reasons.set(method, reason);
      return reason;
    },
    hurry(method) {
      const nowMs = clock.now();
      if (nowMs < hurryFromMs) return;
      hurryFromMs = nowMs + restMs(all().length);
      const away = candidates(method).filter(({ state }) => state === "failed" || state === "ejected");
      const from = Math.floor(random() * away.length);
      for (const peer of away.slice(from, from + mostHurried)) {
        if (peer.state === "failed") peer.probe?.();
        else peer.hurry?.();
      }
    },
  };
}

/**
 * The candidates whose server has a method. Where nobody says that it has, all of them: then the server's own
 * UNIMPLEMENTED is the truth, and the registry may not have heard of it yet.
 */
function serving(candidates: readonly Candidate[], method: string): readonly Candidate[] {
  const those = candidates.filter(({ methods }) => methods === undefined || methods.has(method));
  return those.length === 0 ? candidates : those;
}

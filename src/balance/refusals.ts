import type { Call } from "../core/call.ts";
import type { Clock } from "../core/clock.ts";
import { restMs } from "../core/pace.ts";
import type { Peer } from "../core/transport.ts";
import { nobodyReady } from "./explain.ts";
import { type Candidate, serving } from "./picking.ts";

/** What is done about calls that no peer can take. */
export interface Refusals {
  /** Why none can, in the words of an error. */
  reason(call: Call): string;
  /** Has some peers that failed, or have an open circuit, tried again soon. */
  hurry(call: Call): void;
}

export interface RefusalsOptions {
  readonly all: () => readonly Candidate[];
  readonly clock: Clock;
  readonly random: () => number;
}

interface Reason {
  readonly text: string;
  readonly untilMs: number;
}

/** Peers that one call has tried again. */
const mostHurried = 3;
/** Methods whose reasons are kept. */
const mostKept = 100;

/** Goes through all peers not for each such call, but once in the rest that a list of their length is given. */
export function createRefusals({ all, clock, random }: RefusalsOptions): Refusals {
  const reasons = new Map<string, Reason>();
  let hurryFromMs = Number.NEGATIVE_INFINITY;

  const candidates = (call: Call): readonly Peer[] => serving(all(), call.method.name).map(({ peer }) => peer);

  return {
    reason(call) {
      const { name } = call.method;
      const known = reasons.get(name);
      const nowMs = clock.now();
      if (known !== undefined && nowMs < known.untilMs) return known.text;
      const text = nobodyReady(call, candidates(call), all().length);
      if (reasons.size >= mostKept) reasons.clear();
      reasons.set(name, { text, untilMs: nowMs + restMs(all().length) });
      return text;
    },
    hurry(call) {
      const nowMs = clock.now();
      if (nowMs < hurryFromMs) return;
      hurryFromMs = nowMs + restMs(all().length);
      const away = candidates(call).filter(({ state }) => state === "failed" || state === "ejected");
      const from = Math.floor(random() * away.length);
      for (const peer of away.slice(from, from + mostHurried)) {
        if (peer.state === "failed") peer.probe?.();
        else peer.hurry?.();
      }
    },
  };
}

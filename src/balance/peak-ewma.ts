import type { Call, Reply } from "../core/call.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { checkNames } from "../core/option-names.ts";
import { PeerAround } from "../core/peer-around.ts";
import { createRoster, type Roster } from "../core/roster.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Picker } from "./balancer.ts";
import { twoChoices } from "./two-choices.ts";

export interface PeakEwmaOptions {
  /** Milliseconds in which what was measured loses two thirds of its weight; 10,000 by default. */
  readonly decayMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** What a peer is thought to take, in milliseconds, that has answered nothing yet and has calls in flight or failed one. */
const unknownMs = 1_000;
const unmeasured = -1;

/**
 * The peer that will answer sooner, of two chosen at random: the one with the smaller latency x (calls in flight + 1).
 * The latency is an average of the last `decayMs` that takes a peak at once and forgets it slowly; for a stream it is
 * the time to its first message. The formula is that of Finagle's PeakEwma:
 * https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/loadbalancer/PeakEwma.scala
 *
 * An estimate fades while nothing is measured, so that a peer that was slow once is tried again. A failed call can raise
 * an estimate and never lowers it: a server that fails fast is not a fast server. Costs one promise a call.
 */
export function peakEwma(options: PeakEwmaOptions = {}): Balancer {
  checkNames(options, { decayMs: true, clock: true, random: true }, "peakEwma");
  const { decayMs = 10_000, clock = systemClock, random = Math.random } = options;
  const measured = new WeakMap<Peer, MeasuredPeer>();
  const measure = (peer: Peer): MeasuredPeer => {
    let known = measured.get(peer);
    if (known === undefined) {
      known = new MeasuredPeer(peer, decayMs, clock);
      measured.set(peer, known);
    }
    return known;
  };
  const kept = new WeakMap<Picker, Roster<MeasuredPeer>>();
  return (peers, _shares, replaced) => {
    const before = replaced && kept.get(replaced.picker);
    const those = before ?? createRoster(peers.map(measure));
    if (before !== undefined && replaced !== undefined) {
      for (const peer of replaced.gone) before.delete(measure(peer));
      for (const peer of replaced.come) before.add(measure(peer));
    }
    const pick = twoChoices(those.list(), (peer) => peer.cost(), random);
    kept.set(pick, those);
    return pick;
  };
}

/** A peer whose calls are timed. */
class MeasuredPeer extends PeerAround {
  readonly #decayMs: number;
  readonly #clock: Clock;
  #latencyMs = unmeasured;
  #updatedMs = 0;

  constructor(peer: Peer, decayMs: number, clock: Clock) {
    super(peer, (call) => this.#timed(call));
    this.#decayMs = decayMs;
    this.#clock = clock;
  }

  cost(): number {
    const { inflight } = this.inner;
    if (this.#latencyMs === unmeasured) return inflight === 0 ? 0 : unknownMs * (inflight + 1);
    return this.#latencyMs * this.#faded(this.#clock.now()) * (inflight + 1);
  }

  #timed(call: Call): Promise<Reply> {
    const startedMs = this.#clock.now();
    return this.inner.handle(call).then(
      (reply) => {
        this.#took(startedMs, false);
        return reply;
      },
      (error) => {
        this.#took(startedMs, true);
        throw error;
      },
    );
  }

  #took(startedMs: number, failed: boolean): void {
    const nowMs = this.#clock.now();
    const tookMs = nowMs - startedMs;
    if (this.#latencyMs === unmeasured) this.#latencyMs = failed ? Math.max(tookMs, unknownMs) : tookMs;
    else if (tookMs >= this.#latencyMs) this.#latencyMs = tookMs;
    else if (failed) return;
    else {
      const weight = this.#faded(nowMs);
      this.#latencyMs = this.#latencyMs * weight + tookMs * (1 - weight);
    }
    this.#updatedMs = nowMs;
  }

  #faded(nowMs: number): number {
    return Math.exp((this.#updatedMs - nowMs) / this.#decayMs);
  }
}

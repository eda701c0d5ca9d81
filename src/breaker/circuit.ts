import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import { LONGEST_TIMER_MS } from "../core/clock.ts";

export type CircuitState = "closed" | "open" | "half-open";

export interface CircuitOptions {
  /** Milliseconds that the circuit stays open the first time; 1,000 by default. Doubled each time it opens again. */
  readonly openMs?: number | undefined;
  /**
   * The most that grows to, in milliseconds; 5,000 by default. Where a service's circuits are all open, and it is called,
   * each lets a call through every half second all the same.
   */
  readonly maxOpenMs?: number | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** One peer's circuit. */
export interface Circuit {
  /** True when the next call may go: closed, or half-open with its one probe still to be sent. */
  readonly free: boolean;
  /** Opens it. `again`: it has not been closed for long, so it stays open for longer than the last time. */
  open(again: boolean): void;
  /** Sends the probe: closes the circuit where `outcome` resolves, opens it again where it rejects. */
  probe(outcome: Promise<void>): void;
  /** Closes it before its time. */
  close(): void;
  /** Makes it half-open before its time, where it is open. */
  hurry(): void;
  /** Milliseconds that it was opened for last. */
  readonly openedForMs: number;
  shutdown(): void;
}

/** What an outcome rejects with when the probe told nothing: the next one may go soon. */
export const INCONCLUSIVE: unique symbol = Symbol("inconclusive");

const INCONCLUSIVE_MS = 100;
/** The shortest that opossum's timer can be. */
const AT_ONCE_MS = 1;

/**
 * The state machine is opossum's: `open()` starts its reset timer, the timer makes it half-open, half-open lets one
 * `fire` through, and that one closes it or opens it again. What calls it is ours, for three reasons. `fire` costs
 * 2.3 us a call, more than all the rest of a call. Its statistics need every call and know no faults in a row. And
 * calls that it never saw cannot upset it: an answer to a call from before the trip closes nothing.
 *
 * The options are asked for each time it opens: they may change. The time it stays open is equal-jittered, half fixed and half random, as Finagle has it, so that the clients of one
 * server do not probe it in step.
 */
export function createCircuit(options: () => CircuitOptions, changed: (state: CircuitState) => void): Circuit {
  // opossum keeps this very object: a resetTimeout set later holds from the next time that it opens.
  const settings: CircuitBreaker.Options<[Promise<void>]> = {
    timeout: false,
    volumeThreshold: Number.MAX_SAFE_INTEGER, // its own statistics never open it
    enableSnapshots: false,
    rollingPercentilesEnabled: false,
    rotateBucketController: new EventEmitter(), // no timer turns its window: each trip does
  };
  const machine = new CircuitBreaker((outcome: Promise<void>) => outcome, settings);
  let times = 0;
  let openedForMs = 0;
  let hurrying = false;

  function lengthen(): void {
    const { openMs = 1_000, maxOpenMs = 5_000, random = Math.random } = options();
    times++;
    const fullMs = Math.min(openMs * 2 ** (times - 1), maxOpenMs, LONGEST_TIMER_MS);
    openedForMs = Math.max(1, Math.round(fullMs / 2 + (fullMs / 2) * random()));
    settings.resetTimeout = openedForMs;
  }

  // opossum opens right after this event, and starts its timer then.
  machine.on("failure", (error: unknown) => {
    if (error === INCONCLUSIVE) settings.resetTimeout = INCONCLUSIVE_MS;
    else lengthen();
  });
  machine.on("open", () => {
    settings.rotateBucketController?.emit("rotate");
    if (!hurrying) changed("open");
  });
  machine.on("halfOpen", () => changed("half-open"));
  machine.on("close", () => {
    if (!hurrying) changed("closed");
  });

  return {
    get free() {
      return machine.pendingClose || !(machine.opened || machine.halfOpen);
    },
    get openedForMs() {
      return openedForMs;
    },
    open(again) {
      if (!again) times = 0;
      lengthen();
      machine.open();
    },
    probe(outcome) {
      // The verdict has been taken by the events; what the caller gets is the call's own promise.
      machine.fire(outcome).catch(() => {});
    },
    close() {
      machine.close();
    },
    hurry() {
      if (!machine.opened) return;
      // Its timer is set when it opens, and only then.
      settings.resetTimeout = AT_ONCE_MS;
      hurrying = true;
      machine.close();
      machine.open();
      hurrying = false;
    },
    shutdown() {
      machine.shutdown();
    },
  };
}

import type { Clock } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";

/** Endpoints whose peers are still to be made. */
export interface Joining {
  readonly size: number;
  has(address: string): boolean;
  add(endpoint: Endpoint): void;
  /** No longer listed. */
  delete(endpoint: Endpoint): void;
  clear(): void;
  /** Makes the first of them now, and the others in turns to come. Returns how many were made. */
  begin(): number;
  stop(): void;
}

export interface JoiningOptions {
  readonly clock: Clock;
  /** Makes a peer; false where that cannot be. */
  readonly join: (endpoint: Endpoint) => boolean;
  /** So many were made in a turn of their own. */
  readonly joined: (count: number) => void;
}

/** Peers that are made in one turn: a thousand connections are not begun at once, and calls go on in between. */
const mostJoined = 10;

export function createJoining({ clock, join, joined }: JoiningOptions): Joining {
  const those = new Map<string, Endpoint>();
  let stopTimer: (() => void) | undefined;

  function turn(): number {
    let made = 0;
    for (const [address, endpoint] of those) {
      if (made >= mostJoined) break;
      those.delete(address);
      if (join(endpoint)) made++;
    }
    if (those.size > 0) stopTimer ??= clock.setTimeout(nextTurn, 1);
    return made;
  }

  function nextTurn(): void {
    stopTimer = undefined;
    const made = turn();
    if (made > 0) joined(made);
  }

  return {
    get size() {
      return those.size;
    },
    has: (address) => those.has(address),
    add: (endpoint) => void those.set(endpoint.address, endpoint),
    delete(endpoint) {
      if (those.get(endpoint.address) === endpoint) those.delete(endpoint.address);
    },
    clear: () => those.clear(),
    // While a turn is to come, these wait for theirs.
    begin: () => (stopTimer === undefined ? turn() : 0),
    stop() {
      stopTimer?.();
      those.clear();
    },
  };
}

import type { Clock } from "../core/clock.ts";
import type { Facts } from "../core/facts.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Peer } from "../core/transport.ts";
import { unservedBy } from "../core/unserved.ts";

/** Milliseconds that a stranger is walked around: doubled each time that it is one still. */
const firstMs = 30_000;
const longestMs = 300_000;

/** What is known of a server that may be another's, at an address that was a server's of this service. */
export interface Stranger {
  /** True while it is walked around. */
  readonly met: boolean;
  /**
   * Looks at what a call failed with. Where the server has no such service the error is `unprocessed`, so that the call
   * goes elsewhere; but not of a call that was sent though that was known: there is nobody else, and it is the answer.
   */
  look(error: unknown, known: boolean): unknown;
  /** Another connection may lead to another server. */
  forget(): void;
}

/**
 * Addresses are used again, sooner than a registry that is away, or a snapshot on disk, can know. A server that says that
 * it has not the service is walked around for that service for a time. `changed` is called when that begins and ends.
 */
export function createStranger(peer: Peer, clock: Clock, facts: Facts, changed: () => void): Stranger {
  let stopTimer: (() => void) | undefined;
  let nextMs = firstMs;
  let told = false;

  function meet(service: string): void {
    if (stopTimer !== undefined) return;
    stopTimer = clock.setTimeout(() => {
      stopTimer = undefined;
      changed();
    }, nextMs);
    nextMs = Math.min(nextMs * 2, longestMs);
    if (!told) facts.on["peer-unserved"]?.({ service, peer: peer.endpoint.address });
    told = true;
    changed();
  }

  return {
    get met() {
      return stopTimer !== undefined;
    },
    look(error, known) {
      const service = RpcError.is(error) ? unservedBy(error) : undefined;
      if (!RpcError.is(error) || service === undefined) return error;
      meet(service);
      return known ? error : error.with({ unprocessed: true });
    },
    forget() {
      stopTimer?.();
      stopTimer = undefined;
      nextMs = firstMs;
    },
  };
}

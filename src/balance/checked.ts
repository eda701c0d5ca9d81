import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Peer } from "../core/transport.ts";
import { whatIs } from "../core/what-is.ts";
import type { Picker } from "./balancer.ts";
import { consistentHash } from "./consistent-hash.ts";
import { leastLoaded } from "./least-loaded.ts";
import { peakEwma } from "./peak-ewma.ts";
import { roundRobin } from "./round-robin.ts";
import { weighted } from "./weighted.ts";
import { zoneAware } from "./zone-aware.ts";

const shape = "a balancer is (peers) => (call) => peer";

/**
 * Looks at a balancer when it is given: that it is one, and not what makes one.
 * @param option what it was given as
 * @throws TypeError that says what to give
 */
export function checkBalancer(option: string, balancer: unknown): void {
  if (typeof balancer !== "function") {
    throw new TypeError(`${option} is ${whatIs(balancer)}: give a function, such as roundRobin()`);
  }
  const makers: readonly unknown[] = [consistentHash, leastLoaded, peakEwma, roundRobin, weighted, zoneAware];
  if (!makers.includes(balancer)) return;
  throw new TypeError(`${option} is ${balancer.name} itself, which makes one: call it, ${option}: ${balancer.name}()`);
}

/** What a balancer made of its peers. It may be a user's own. */
export function madePicker(picker: unknown): Picker {
  if (typeof picker === "function") return picker as Picker;
  throw misbalanced(`the balancer made ${whatIs(picker)} of its peers, and no function: ${shape}`);
}

/** What a picker picked, or what came of calling it, where that failed. */
export function pickFailure(error: unknown, picked: Peer | undefined): RpcError {
  return picked === undefined || isPeer(picked) ? RpcError.from(error, Code.INTERNAL) : noPeer(picked);
}

/** @throws RpcError INTERNAL for what is no peer */
export function pickedPeer(picked: Peer | undefined): Peer | undefined {
  if (picked === undefined || isPeer(picked)) return picked;
  throw noPeer(picked);
}

function isPeer(picked: Peer | null): boolean {
  return typeof picked?.handle === "function";
}

function noPeer(picked: unknown): RpcError {
  const isMaker = typeof picked === "function";
  const remedy = isMaker ? "is what makes it still to be called?" : "pick one of those that it was given, or undefined";
  return misbalanced(`the balancer picked ${whatIs(picked)}, and no peer: ${shape}; ${remedy}`);
}

function misbalanced(why: string): RpcError {
  return new RpcError(Code.INTERNAL, why, { local: true });
}

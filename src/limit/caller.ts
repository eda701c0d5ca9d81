import type { Call, Caller } from "../core/call.ts";
import { networkOfPeer } from "../core/network.ts";
import { functionLike, type OptionKind } from "../core/option-kinds.ts";

/** Tells who makes a call; `undefined` for nobody in particular. */
export type CallerOf = (call: Call) => string | undefined;

export const callerOfKind: OptionKind = functionLike('(call) => call.metadata.get("x-tenant")');

const names = new WeakMap<Caller, string>();

/**
 * The certificate that the client showed, else the host that it calls from: all connections from one host are one caller,
 * and so are all over one Unix socket. Of an IPv6 address only the network counts, the first 64 bits.
 */
export function callerOfConnection({ caller }: Pick<Call, "caller">): string | undefined {
  if (caller === undefined) return undefined;
  let name = names.get(caller);
  if (name === undefined) {
    name = caller.tls?.fingerprint256 ?? networkOfPeer(caller.address);
    names.set(caller, name);
  }
  return name;
}

import type { Call, Caller } from "../core/call.ts";

/** Tells who makes a call; `undefined` for nobody in particular. */
export type CallerOf = (call: Call) => string | undefined;

const names = new WeakMap<Caller, string>();

/**
 * The certificate that the client showed, else the host that it calls from: all connections from one host are one caller,
 * and so are all over one Unix socket. Of an IPv6 address only the network counts, the first 64 bits: whoever has one
 * address of it has them all (RFC 4291, section 2.5.1).
 */
export function callerOfConnection({ caller }: Pick<Call, "caller">): string | undefined {
  if (caller === undefined) return undefined;
  let name = names.get(caller);
  if (name === undefined) {
    name = caller.tls?.fingerprint256 ?? hostOf(caller.address);
    names.set(caller, name);
  }
  return name;
}

function hostOf(address: string): string {
  const [, ipv6] = /^\[([^\]]*)\]/.exec(address) ?? [];
  return ipv6 === undefined ? address.replace(/:\d+$/, "") : networkOf(ipv6);
}

/** `2001:db8:0:1::/64`; an IPv4 address in IPv6 clothes is that IPv4 address. */
function networkOf(ipv6: string): string {
  const [, ipv4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ipv6) ?? [];
  if (ipv4 !== undefined) return ipv4;
  const [head = "", tail] = ipv6.replace(/%.*$/, "").split("::");
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

/** What is written as IPv4 at its end stands for two groups. */
function groupsOf(part: string): string[] {
  return part.split(":").flatMap((group) => (group === "" ? [] : group.includes(".") ? ["0", "0"] : [group]));
}

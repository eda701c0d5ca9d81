/**
 * What counts as one: of an IPv6 address its first 64 bits, `2001:db8:0:1::/64`, since whoever has one address of them
 * has them all (RFC 4291, section 2.5.1). An IPv4 address in IPv6 clothes is that IPv4 address; all else is itself.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [, ipv4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (ipv4 !== undefined) return ipv4;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

/** The same of the other end of a connection: `10.0.0.5:41234`, `[2001:db8::1]:41234`, or `unix:`. */
export function networkOfPeer(address: string): string {
  const [, ipv6] = /^\[([^\]]*)\]/.exec(address) ?? [];
  return networkOf(ipv6 ?? address.replace(/:\d+$/, ""));
}

/** What is written as IPv4 at its end stands for two groups. */
function groupsOf(part: string): string[] {
  return part.split(":").flatMap((group) => (group === "" ? [] : group.includes(".") ? ["0", "0"] : [group]));
}

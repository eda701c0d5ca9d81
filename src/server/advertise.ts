import { networkInterfaces } from "node:os";
import { formatAddress, parseAddress } from "../core/endpoint.ts";

/**
 * The address that others reach a server under. What the user names wins: `host`, or `host:port` behind a mapped port.
 * A server bound to every interface announces this machine's first address that is not loopback.
 */
export function advertisedAddress(bound: string, advertise: string | undefined): string {
  if (bound.startsWith("unix:")) return advertise ?? bound;
  const { host, port } = parseAddress(bound);
  if (advertise === undefined) return formatAddress(isWildcard(host) ? reachableHost(host) : host, port);
  if (advertise.startsWith("unix:") || hasPort(advertise)) return checked(advertise);
  return checked(formatAddress(advertise.replace(/^\[(.*)\]$/, "$1"), port));
}

function checked(address: string): string {
  if (address.startsWith("unix:")) return address;
  const { host } = parseAddress(address);
  if (isWildcard(host)) throw new TypeError(`advertise "${address}": nobody can connect to ${host}; name a host`);
  return address;
}

function hasPort(address: string): boolean {
  return /^(\[[^\]]+\]|[^:[\]]+):\d+$/.test(address);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function reachableHost(wildcard: string): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outside = addresses.filter((each) => !each.internal && !each.address.startsWith("fe80:"));
  const family = outside.find((each) => each.family === "IPv4") ?? outside[0];
  return family?.address ?? (wildcard === "::" ? "::1" : "127.0.0.1");
}

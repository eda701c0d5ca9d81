import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { formatAddress, parseAddress } from "../core/endpoint.ts";
import { isUnixAddress, plainAddress } from "../core/grpc-address.ts";
import { shortened } from "../core/printable.ts";

/**
 * The address that others reach a server under. What the user names wins: `host`, or `host:port` behind a mapped port.
 * A server bound to every interface announces this machine's first address that is not loopback.
 */
export function advertisedAddress(bound: string, advertise: string | undefined): string {
  if (advertise === "") throw noAddress(advertise);
  if (isUnixAddress(bound)) return advertise === undefined ? bound : plainAddress(advertise);
  const { host, port } = parseAddress(bound);
  if (advertise === undefined) return formatAddress(isWildcard(host) ? reachableHost(host) : host, port);
  const plain = plainAddress(advertise);
  if (isUnixAddress(plain) || hasPort(plain)) return checked(plain, advertise);
  return checked(formatAddress(plain.replace(/^\[(.*)\]$/, "$1"), port), advertise);
}

function checked(address: string, given: string): string {
  if (isUnixAddress(address)) return address;
  const host = hostOf(address);
  // What is left of a port that is none stands in brackets now, as if it were IPv6.
  if (host === undefined || (host.includes(":") && !isIPv6(host))) throw noAddress(given);
  if (isWildcard(host)) throw new TypeError(`advertise "${given}": nobody can connect to ${host}; name a host`);
  if (parseAddress(address).port === 0) {
    throw new TypeError(
      `advertise "${given}": nobody can connect to port 0; leave it out to announce the one that is bound`,
    );
  }
  return address;
}

function hostOf(address: string): string | undefined {
  try {
    return parseAddress(address).host;
  } catch {
    return undefined;
  }
}

function noAddress(given: string): TypeError {
  const how = "write a host or host:port, with IPv6 in brackets ([::1]:50051), or leave it out";
  return new TypeError(`advertise "${shortened(given)}" is no address: ${how}`);
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

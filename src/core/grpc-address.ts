import { isIPv4, isIPv6 } from "node:net";
import { formatAddress, type HostPort, parseAddress } from "./endpoint.ts";
import { shownUri } from "./shown-uri.ts";
import { whatIs } from "./what-is.ts";

/**
 * Addresses as gRPC writes them (https://github.com/grpc/grpc/blob/master/doc/naming.md), as Trunkline writes them:
 * `host:port`, IPv6 in brackets, `unix:` and a path, `unix-abstract:` and a name.
 *
 * - `dns:///example.com:50051` and `dns:example.com:50051`: `example.com:50051`
 * - `ipv4:10.0.0.5:50051`, `ipv6:[::1]:50051`, `ipv6:%5B::1%5D:50051`: without the scheme. With commas they are several.
 * - `unix:///run/a.sock`: `unix:/run/a.sock`
 *
 * What has none of these schemes is given back as it is.
 * @throws TypeError that names the address and what is wrong with it
 */
export function plainAddresses(address: string): readonly string[] {
  if (typeof address !== "string") throw new TypeError(`the address is ${whatIs(address)}: give "host:port"`);
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9-]*):(.*)$/is.exec(address) ?? [];
  const read = readers.get(scheme.toLowerCase());
  if (read === undefined || isHostAndPort(address, scheme)) return [address];
  return read(rest, address);
}

/**
 * The same where there can be one only.
 * @throws TypeError that names the address and what is wrong with it
 */
export function plainAddress(address: string): string {
  const [only = "", ...more] = plainAddresses(address);
  if (more.length > 0) throw noAddress(address, "it is several: give one");
  return only;
}

/** Whether an address leads to a socket of this very machine, by `unix:` or `unix-abstract:`. */
export function isUnixAddress(address: string): boolean {
  return address.startsWith("unix:") || address.startsWith(abstractScheme);
}

/**
 * Where a socket of this machine is, as Node takes it.
 * @throws TypeError for one without a name, or where there are no such sockets
 */
export function unixPath(address: string): string {
  if (!address.startsWith(abstractScheme)) return pathIn(address.slice("unix:".length), address);
  const name = address.slice(abstractScheme.length);
  if (name === "" || name.includes("\0")) throw noAddress(address, "write unix-abstract: and a name");
  if (process.platform !== "linux") throw noAddress(address, "there are abstract sockets on Linux alone");
  return `\0${name}`;
}

type Read = (rest: string, address: string) => readonly string[];

const abstractScheme = "unix-abstract:";
const readers: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["dns", (rest, address) => [named(rest, address)]],
  ["ipv4", (rest, address) => listed(rest, address, isIPv4)],
  ["ipv6", (rest, address) => listed(rest, address, isIPv6)],
  ["unix", (rest, address) => [`unix:${pathIn(rest, address)}`]],
  ["unix-abstract", (rest) => [`${abstractScheme}${unixPath(abstractScheme + rest).slice(1)}`]],
]);

/** A host may be called as a scheme is. */
function isHostAndPort(address: string, scheme: string): boolean {
  return !/^unix/i.test(scheme) && /^[^:]+:\d{1,5}$/.test(address);
}

function named(rest: string, address: string): string {
  const [, server = "", name = ""] = /^(?:\/\/([^/]*)\/)?(.*)$/s.exec(rest) ?? [];
  if (server !== "") throw noAddress(address, "names are asked of this machine's own resolver: write dns:///host:port");
  const { host, port } = hostAndPort(name, address);
  return formatAddress(host, port);
}

function listed(rest: string, address: string, isOfKind: (host: string) => boolean): string[] {
  return rest.split(",").map((each) => {
    const { host, port } = hostAndPort(each, address);
    if (isOfKind(host)) return formatAddress(host, port);
    throw noAddress(
      address,
      `${host} is no ${isOfKind === isIPv4 ? "IPv4" : "IPv6"} address; a name is written dns:///host:port`,
    );
  });
}

function hostAndPort(text: string, address: string): HostPort {
  try {
    return parseAddress(decoded(text));
  } catch {
    throw noAddress(address, "after the scheme write a host and a port, with IPv6 in brackets ([::1]:50051)");
  }
}

/** In a URI brackets are written `%5B` and `%5D`; a zone (`%eth0`) may stand as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pathIn(rest: string, address: string): string {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path === "" || path.includes("\0")) throw noAddress(address, "write unix: and a path");
  if (path !== rest && !path.startsWith("/")) throw noAddress(address, "after unix:// the path begins with a third /");
  return path;
}

function noAddress(address: string, how: string): TypeError {
  return new TypeError(`"${shownUri(address)}" is no address: ${how}`);
}

import { formatAddress, type HostPort, parseAddress } from "../core/endpoint.ts";
import { isUnixAddress, unixPath } from "../core/grpc-address.ts";

/** Where a socket goes to or listens, as `node:net` and `node:tls` take it. */
export type SocketAddress = HostPort | { readonly path: string };

/**
 * Reads `host:port`, `unix:` and a path, or `unix-abstract:` and a name, whose path begins with a zero byte.
 * @throws TypeError that names the address and what is wrong with it
 */
export function socketAddress(address: string): SocketAddress {
  return isUnixAddress(address) ? { path: unixPath(address) } : parseAddress(address);
}

/** The address of a socket's other end: `10.0.0.5:41234`, or `unix:` where it has none. */
export function remoteAddress(host: string | undefined, port: number | undefined): string {
  return host === undefined || port === undefined ? "unix:" : formatAddress(host, port);
}

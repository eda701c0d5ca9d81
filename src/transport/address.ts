import { formatAddress, type HostPort, parseAddress } from "../core/endpoint.ts";

/** Where a socket goes to or listens, as `node:net` and `node:tls` take it. */
export type SocketAddress = HostPort | { readonly path: string };

/**
 * Reads `host:port` or `unix:` and a path.
 * @throws TypeError that names the address and what is wrong with it
 */
export function socketAddress(address: string): SocketAddress {
  if (!address.startsWith("unix:")) return parseAddress(address);
  const path = address.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "") throw new TypeError(`"${address}" is no address: write unix: and a path`);
  return { path };
}

/** The address of a socket's other end: `10.0.0.5:41234`, or `unix:` where it has none. */
export function remoteAddress(host: string | undefined, port: number | undefined): string {
  return host === undefined || port === undefined ? "unix:" : formatAddress(host, port);
}

import { shownUri } from "./shown-uri.ts";

/** One server of a service. */
export interface Endpoint {
  /** `host:port`, IPv6 in brackets, or `unix:` and a path. */
  readonly address: string;
  /** What its registration says of it: version, zone, weight. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Splits `host:port`; IPv6 stands in brackets.
 * @throws TypeError that names the address and what is wrong with it
 */
export function parseAddress(address: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65535)) {
    throw new TypeError(`"${shownUri(address)}" is no address: write host:port, with IPv6 in brackets ([::1]:50051)`);
  }
  return { host, port };
}

/** Joins a host and a port; brackets IPv6. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

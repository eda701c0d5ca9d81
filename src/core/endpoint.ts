import { shownUri } from "./shown-uri.ts";

/** One server of a service. */
export interface Endpoint {
  /** `host:port`, IPv6 in brackets, `unix:` and a path, or `unix-abstract:` and a name. */
  readonly address: string;
  /** What its registration says of it: version, zone, weight. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const schemes = ", or one of gRPC's schemes dns, ipv4, ipv6, unix and unix-abstract";
/** Of gRPC, and not of ours. */
const otherSchemes = /^(?:xds|google-c2p|passthrough|vsock|unix-abstract):/i;

/**
 * Splits `host:port`; IPv6 stands in brackets.
 * @throws TypeError that names the address and what is wrong with it
 */
export function parseAddress(address: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65535)) {
    const other = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) || otherSchemes.test(address) ? schemes : "";
    const how = `write host:port, with IPv6 in brackets ([::1]:50051)${other}`;
    throw new TypeError(`"${shownUri(address)}" is no address: ${how}`);
  }
  return { host, port };
}

/** Joins a host and a port; brackets IPv6. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

import { type Endpoint, parseAddress } from "../core/endpoint.ts";
import { isUnixAddress, unixPath } from "../core/grpc-address.ts";
import { printable, shortened } from "../core/printable.ts";
import { shownUri } from "../core/shown-uri.ts";
import type { Announcement } from "./registry.ts";

const serviceName = /^[^/\s]{1,1024}$/;
/** The longest of a Unix socket or of a host's name are shorter. */
const maxAddressLength = 1024;
/** In characters of keys and values. */
const maxMetadataLength = 64 * 1024;
/** Many times what an honest server says of itself. */
const maxMetadataKeys = 256;

/**
 * Checks an address that others are to dial: `host:port` with a port from 1, `unix:` and a path, `unix-abstract:` and a
 * name.
 * @throws TypeError that names the address and what is wrong with it
 */
export function checkAddress(address: string): void {
  if (address.length > maxAddressLength || printable(address) !== address) {
    throw new TypeError(`"${shownUri(address)}" is no address: it is too long, or has characters that nobody can see`);
  }
  if (isUnixAddress(address)) return void unixPath(address);
  if (parseAddress(address).port === 0) throw new TypeError(`"${address}" is no address to dial: its port is 0`);
}

/**
 * Checks what a server is about to announce, so that a mistake shows where it was made and not in a log of retries.
 * @throws TypeError that names the service, address or metadata at fault
 */
export function checkAnnouncement(announcement: Announcement): void {
  const { services, endpoint } = announcement;
  if (services.length === 0) throw new TypeError(`${endpoint.address} announces no service; name at least one`);
  for (const service of services) {
    if (isServiceName(service)) continue;
    throw new TypeError(`"${shortened(service)}" is no name of a service: it is empty, too long, or has a / in it`);
  }
  for (const service of services) checkEndpoint(endpointOf(announcement, service));
}

/** What is announced of one service. */
export function endpointOf({ endpoint, metadataOf = {} }: Announcement, service: string): Endpoint {
  if (!Object.hasOwn(metadataOf, service)) return endpoint;
  return { ...endpoint, metadata: { ...endpoint.metadata, ...metadataOf[service] } };
}

/** Whether it may be a service's full name, and may be shown. */
export function isServiceName(name: string): boolean {
  return serviceName.test(name) && printable(name) === name;
}

/** @throws TypeError that names the address or the metadata at fault */
export function checkEndpoint(endpoint: Endpoint): void {
  checkAddress(endpoint.address);
  const entries = Object.entries(endpoint.metadata ?? {});
  checkMetadataKeys(entries.length, `the metadata of ${endpoint.address}`);
  let length = 0;
  for (const [key, value] of entries) {
    if (typeof value !== "string") {
      throw new TypeError(`metadata "${shortened(key)}" of ${endpoint.address} is ${typeof value}; give a string`);
    }
    length += key.length + value.length;
  }
  if (length > maxMetadataLength) {
    throw new TypeError(
      `the metadata of ${endpoint.address} has ${length} characters; ${maxMetadataLength} may be announced`,
    );
  }
}

/** @throws TypeError for more keys than an endpoint may have */
export function checkMetadataKeys(count: number, what: string): void {
  if (count > maxMetadataKeys) throw new TypeError(`${what} has ${count} keys; ${maxMetadataKeys} are read`);
}

import { type Endpoint, parseAddress } from "../core/endpoint.ts";
import type { Announcement } from "./registry.ts";

const serviceName = /^[^/\s]+$/;

/**
 * Checks an address that others are to dial: `host:port` with a port from 1, or `unix:` and a path.
 * @throws TypeError that names the address and what is wrong with it
 */
export function checkAddress(address: string): void {
  if (/^unix:.+/.test(address)) return;
  if (parseAddress(address).port === 0) throw new TypeError(`"${address}" is no address to dial: its port is 0`);
}

/**
 * Checks what a server is about to announce, so that a mistake shows where it was made and not in a log of retries.
 * @throws TypeError that names the service, address or metadata at fault
 */
export function checkAnnouncement({ services, endpoint }: Announcement): void {
  if (services.length === 0) throw new TypeError(`${endpoint.address} announces no service; name at least one`);
  for (const service of services) {
    if (!serviceName.test(service))
      throw new TypeError(`"${service}" is no name of a service: it is empty or has a / in it`);
  }
  checkEndpoint(endpoint);
}

/** @throws TypeError that names the address or the metadata at fault */
export function checkEndpoint(endpoint: Endpoint): void {
  checkAddress(endpoint.address);
  for (const [key, value] of Object.entries(endpoint.metadata ?? {})) {
    if (typeof value !== "string") {
      throw new TypeError(`metadata "${key}" of ${endpoint.address} is ${typeof value}; give a string`);
    }
  }
}

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { networkOf } from "../core/network.ts";

export interface DoorOptions {
  readonly maxConnections?: number | undefined;
  readonly maxConnectionsPerAddress?: number | undefined;
  /** File descriptors that the process may have open; what the system says by default. */
  readonly mostDescriptors?: number | undefined;
}

/** Descriptors kept back: to open a file, to log, to reach other servers. */
const KEPT_BACK = 64;

/** Decides who comes in: gives the reason why a connection is refused, or counts it until it is closed. */
export function createDoor(options: DoorOptions): (socket: Socket) => string | undefined {
  const { maxConnections = 10_000, mostDescriptors = descriptorLimit() } = options;
  const lastDescriptor = mostDescriptors - Math.min(KEPT_BACK, Math.floor(mostDescriptors / 4));
  const { maxConnectionsPerAddress = Math.ceil(Math.min(maxConnections, lastDescriptor) / 2) } = options;
  const byAddress = new Map<string, number>();
  let count = 0;

  function refusal(socket: Socket, address: string | undefined): string | undefined {
    if (count >= maxConnections) return `${maxConnections} connections are open`;
    // The system gives out the lowest descriptor that is free: so many are open.
    if (descriptorOf(socket) >= lastDescriptor)
      return "the process has few file descriptors left: raise its limit (ulimit -n), or lower maxConnections";
    const ofAddress = address === undefined ? 0 : (byAddress.get(address) ?? 0);
    if (options.maxConnectionsPerAddress === undefined && address !== undefined && isLoopback(address))
      return undefined;
    return ofAddress >= maxConnectionsPerAddress ? `${ofAddress} connections of its address are open` : undefined;
  }

  return (socket) => {
    const { remoteAddress } = socket;
    const address = remoteAddress === undefined ? undefined : networkOf(remoteAddress);
    const refused = refusal(socket, address);
    if (refused !== undefined) return refused;
    count++;
    if (address !== undefined) byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
    socket.once("close", () => {
      count--;
      if (address === undefined) return;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
    return undefined;
  };
}

const LOOPBACK_NETWORK = networkOf("::1");

/** A proxy beside the server brings everybody's calls from one address. */
function isLoopback(address: string): boolean {
  return address === LOOPBACK_NETWORK || address.startsWith("127.");
}

/** Node tells it on POSIX systems, if not in its documentation; -1 elsewhere. */
function descriptorOf(socket: Socket): number {
  return (socket as { _handle?: { fd?: number } })._handle?.fd ?? -1;
}

function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

import { Code } from "../core/code.ts";
import { formatAddress, parseAddress } from "../core/endpoint.ts";
import { isUnixAddress } from "../core/grpc-address.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Transport } from "../core/transport.ts";
import { checkConnectOptions, checkListenOptions } from "./check-options.ts";
import { createMemoryHost, type MemoryHost } from "./memory-host.ts";
import { createPeer } from "./peer.ts";

/** A wire in memory, for tests. One is one network: what listens on it can be reached through it alone. */
export interface MemoryTransport extends Transport {
  /** Breaks every connection to an address, as when its machine dies. What listens there goes on listening. */
  disconnect(address: string): void;
}

/**
 * Calls between clients and servers of one process. Messages are encoded and decoded; limits, deadlines, cancellation
 * and back-pressure hold as on a socket. TLS and compression are not done; connections and streams are not limited.
 */
export function memoryTransport(): MemoryTransport {
  const hosts = new Map<string, MemoryHost>();
  let lastPort = 49_151;

  /** Port 0 is one that is free. */
  function chosen(address: string): string {
    if (isUnixAddress(address)) return address;
    const { host, port } = parseAddress(address);
    if (port !== 0) return address;
    lastPort += 1;
    const candidate = formatAddress(host, lastPort);
    return hosts.has(candidate) ? chosen(address) : candidate;
  }

  return {
    name: "memory",
    connect(endpoint, options) {
      checkConnectOptions(options);
      return createPeer(endpoint, options, async (_signal, lost) => {
        // A connection takes a moment, as on a socket.
        await new Promise(setImmediate);
        const host = hosts.get(endpoint.address);
        if (host === undefined) throw new Error("connection refused");
        return host.connect(lost);
      });
    },
    async listen(address, acceptor, options) {
      checkListenOptions(options);
      const bound = chosen(address);
      if (hosts.has(bound)) {
        throw new RpcError(Code.UNAVAILABLE, `cannot listen on ${bound}: the port is in use`, { unprocessed: true });
      }
      const host = createMemoryHost(bound, acceptor, options, () => hosts.delete(bound));
      hosts.set(bound, host);
      return host.listener;
    },
    disconnect: (address) => hosts.get(address)?.disconnect("connection lost"),
  };
}

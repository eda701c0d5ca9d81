// Until the balancer and the native wire are in their rooms, the simplest of each.
import type { Handler } from "../core/call.ts";
import { Code } from "../core/code.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Peer } from "../core/transport.ts";
import type { Resolver } from "../registry/registry.ts";
import type { Balancer, Picker } from "./balancer.ts";
export function balance({
  resolver,
  balancer,
  connect,
}: {
  resolver: Resolver;
  balancer: Balancer;
  connect: (e: Endpoint, changed: () => void) => Peer;
  logger?: unknown;
}): { handle: Handler; close(): Promise<void> } {
  const pools = new Map<string, { peers: Map<string, Peer>; picker: Picker | undefined; stop: () => void }>();
  const pool = (service: string) => {
    let p = pools.get(service);
    if (p) return p;
    const made = { peers: new Map<string, Peer>(), picker: undefined as Picker | undefined, stop: () => {} };
    p = made;
    pools.set(service, made);
    made.stop = resolver.resolve(service, ({ endpoints }) => {
      for (const e of endpoints)
        if (!made.peers.has(e.address))
          made.peers.set(
            e.address,
            connect(e, () => {}),
          );
      for (const [a, peer] of made.peers)
        if (!endpoints.some((e) => e.address === a)) {
          made.peers.delete(a);
          void peer.close();
        }
      made.picker = balancer([...made.peers.values()]);
    });
    return p;
  };
  return {
    async handle(call) {
      const peer = pool(call.method.service).picker?.(call);
      if (!peer) throw new RpcError(Code.UNAVAILABLE, "none", { unprocessed: true });
      return peer.handle(call);
    },
    async close() {
      for (const p of pools.values()) {
        p.stop();
        await Promise.all([...p.peers.values()].map((x) => x.close()));
      }
    },
  };
}

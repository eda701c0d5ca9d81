import { randomBytes } from "node:crypto";
import { Auth, Cluster, KV, Lease, Maintenance, Watch } from "../../gen/etcd/api/etcdserverpb/rpc.rpc.ts";
import type { Logger } from "../core/logger.ts";
import { createServer } from "../server/server.ts";
import type { Member } from "./header.ts";
import { kvService } from "./kv-service.ts";
import { leaseService } from "./lease-service.ts";
import { createLeases, type LeasesOptions } from "./leases.ts";
import { authService, clusterService, maintenanceService } from "./member-services.ts";
import { defaultMaxRequestBytes, type RoomOptions } from "./room.ts";
import { type Change, createStore, type StoreOptions } from "./store.ts";
import { watchStream } from "./watch-stream.ts";
import { createWatches, type WatchesOptions } from "./watches.ts";

export interface DevEtcdOptions extends StoreOptions, LeasesOptions, RoomOptions, WatchesOptions {
  /** Milliseconds without an event after which a watch that asked for it says how far it is; 10 minutes by default. */
  readonly progressNotifyMs?: number | undefined;
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  /** Told of every key that comes and goes; not of one that is written anew. */
  readonly onKey?: ((key: string, event: "came" | "went") => void) | undefined;
}

/** An etcd for a laptop and for tests: in memory, one process, gone when it is closed. */
export interface DevEtcd {
  /**
   * Binds `host:port`; `:0` is any free port.
   * @returns the address it is bound to
   * @throws RpcError UNAVAILABLE when the address cannot be bound
   */
  listen(address?: string): Promise<string>;
  /** What it is bound to; `undefined` before `listen`. */
  readonly address: string | undefined;
  /** How clients name it: `etcd://127.0.0.1:2379`. `undefined` before `listen`. */
  readonly uri: string | undefined;
  /** Ends every call and frees the port; what was stored is gone. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Room for what stands around the largest write, as etcd has it. */
const overheadBytes = 512 * 1024;

/**
 * Makes an embedded registry that speaks etcd's v3 API: KV, Lease and Watch, and what etcd's own tools ask besides.
 * etcd3, etcdctl and Go's clientv3 work with it unchanged. For production run etcd.
 */
export function createDevEtcd(options: DevEtcdOptions = {}): DevEtcd {
  const { maxRequestBytes = defaultMaxRequestBytes, progressNotifyMs = 600_000, logger, onKey } = options;
  // A new cluster each time: by its id clients can tell that what they know of is gone.
  const member: Member = { clusterId: randomId(), memberId: randomId() };
  const store = createStore(options);
  const leases = createLeases(store, options);
  if (onKey !== undefined) {
    store.onWrite((changes) => {
      for (const change of changes) tell(change, onKey);
    });
  }
  const server = createServer({ logger, maxReceiveMessageBytes: maxRequestBytes + overheadBytes });

  server.add(KV, kvService(store, leases, member, options));
  server.add(Lease, leaseService(store, leases, member));
  server.add(Watch, {
    watch: (requests, { signal }) =>
      watchStream(store, createWatches(store, member, options), requests, { signal, progressNotifyMs }),
  });
  server.add(
    Cluster,
    clusterService(store, member, () => server.address ?? ""),
  );
  server.add(Maintenance, maintenanceService(store, member));
  server.add(Auth, authService);

  const devEtcd: DevEtcd = {
    listen: (address = "127.0.0.1:0") => server.listen(address),
    get address() {
      return server.address;
    },
    get uri() {
      return server.address === undefined ? undefined : `etcd://${server.address}`;
    },
    async close() {
      leases.close();
      // Watches never end by themselves: there is nothing to wait for.
      await server.close({ timeoutMs: 0 });
    },
    [Symbol.asyncDispose]: () => devEtcd.close(),
  };
  return devEtcd;
}

function tell({ deleted, kv }: Change, onKey: NonNullable<DevEtcdOptions["onKey"]>): void {
  const key = Buffer.from(kv.key).toString();
  if (deleted) onKey(key, "went");
  else if (kv.version === 1n) onKey(key, "came");
}

function randomId(): bigint {
  return randomBytes(8).readBigUInt64BE();
}

import type { IEvent, IKeyValue, IRangeRequest } from "etcd3";
import type { EtcdSettings } from "../settings.ts";
import { type EtcdWire, isLeaseGone, type Stored, type WireEvent, type WireRange } from "../wire.ts";
import { latestConnection } from "./latest-connection.ts";
import { openWatch } from "./open-watch.ts";

/** etcd asked by etcd3, over grpc-js. */
export function createEtcd3Wire(settings: EtcdSettings): EtcdWire {
  const { callTimeoutMs, hedgeMs } = settings;
  const { use, close } = latestConnection(settings);

  return {
    async read({ ranges, limit, revision }) {
      const success = ranges.map((range) => ({
        request_range: { ...rangeOf(range), limit, revision: `${revision}` },
      }));
      const { header, responses } = await use(({ etcd, withLogin }) => withLogin(() => etcd.kv.txn({ success })));
      const lists = responses.map(({ response_range: { kvs, more } }) => ({ stored: kvs.map(storedOf), more }));
      return { clusterId: BigInt(header.cluster_id), revision: BigInt(header.revision), lists };
    },

    async put(puts, leaseId) {
      const compare = puts.map(({ key, expected }) => ({
        key: Buffer.from(key),
        result: "Equal" as const,
        target: "Mod" as const,
        mod_revision: `${expected}`,
      }));
      const success = puts.map(({ key, value }) => ({
        request_put: { key: Buffer.from(key), value: Buffer.from(value), lease: leaseId },
      }));
      const { succeeded } = await use(({ etcd, withLogin }) => withLogin(() => etcd.kv.txn({ compare, success })));
      return succeeded;
    },

    async grant(ttlSeconds) {
      const { ID, TTL } = await use(({ etcd, withLogin }) =>
        withLogin(() => etcd.leaseClient.leaseGrant({ TTL: ttlSeconds })),
      );
      return { leaseId: ID, ttlSeconds: Number(TTL) };
    },

    renew: (leaseId) =>
      use(({ etcd, withLogin, onEachHost }) =>
        withLogin(() =>
          onEachHost(async () => {
            // Before it is sent, a host that failed may be asked for a sign of life.
            const deadline = Date.now() + hedgeMs * settings.hosts.length + callTimeoutMs;
            const stream = await etcd.leaseClient.leaseKeepAlive({ deadline });
            return new Promise<number>((resolve, reject) => {
              stream.on("data", ({ TTL }) => {
                resolve(Number(TTL));
                stream.end();
              });
              stream.on("error", reject);
              stream.on("end", () => reject(new Error("etcd ended the renewal of a lease without an answer")));
              stream.write({ ID: leaseId });
            });
          }),
        ),
      ),

    async revoke(leaseId) {
      try {
        await use(({ etcd, withLogin }) => withLogin(() => etcd.leaseClient.leaseRevoke({ ID: leaseId })));
      } catch (error) {
        if (!isLeaseGone(error)) throw error;
      }
    },

    watch: ({ ranges, fromRevision, forMs, signal, received }) =>
      use(({ etcd, withLogin }) =>
        withLogin(async () =>
          openWatch(await etcd.watchClient.watch(), {
            requests: ranges.map((range) => ({ ...rangeOf(range), start_revision: `${fromRevision}` })),
            confirmMs: callTimeoutMs,
            forMs,
            signal,
            received: ({ events, header }) => received(events.map(wireEvent), BigInt(header.revision)),
          }),
        ),
      ),

    close,
  };
}

function rangeOf({ key, rangeEnd }: WireRange): Pick<IRangeRequest, "key" | "range_end"> {
  return { key: Buffer.from(key), ...(rangeEnd === undefined ? {} : { range_end: Buffer.from(rangeEnd) }) };
}

function storedOf({ key, value, mod_revision, lease }: IKeyValue): Stored {
  return { key, value, modRevision: BigInt(mod_revision), leaseId: BigInt(lease) };
}

function wireEvent({ type, kv }: IEvent): WireEvent {
  return { deleted: type === "Delete", stored: storedOf(kv) };
}

import { randomBytes } from "node:crypto";
import { Auth, KV, Lease, Watch } from "../../../../gen/etcd/api/etcdserverpb/rpc.rpc.ts";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type TxnRequest,
} from "../../../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { MessageInit } from "../../../core/message.ts";
import type { Transport } from "../../../core/transport.ts";
import { createLogins, isLoginNeedless, type Login } from "../logins.ts";
import type { EtcdSettings } from "../settings.ts";
import { type EtcdWire, isLeaseGone, maxAnswerBytes } from "../wire.ts";
import { type Attempt, ask } from "./ask.ts";
import { createCalls } from "./calls.ts";
import { createHosts } from "./hosts.ts";
import { openWatch } from "./open-watch.ts";
import { storedOf } from "./stored.ts";

/** etcd asked over a transport of ours: each host is a peer, and one that is silent costs a call `hedgeMs`. */
export function createNativeWire(settings: EtcdSettings, transport: Transport): EtcdWire {
  const { hosts: addresses, tls, username, password, facts, callTimeoutMs, hedgeMs } = settings;
  const connect = { tls, facts, connectTimeoutMs: callTimeoutMs, maxReceiveMessageBytes: maxAnswerBytes };
  const hosts = createHosts({
    addresses,
    connect: (address, changed) => transport.connect({ address }, { ...connect, changed }),
  });
  const calls = createCalls(() => logins?.current?.token);
  const askHosts = <T>(attempt: Attempt<T>) => hosts.during(() => ask(hosts, attempt, { hedgeMs, callTimeoutMs }));
  const login = async (name: string): Promise<Login> => {
    try {
      return await askHosts((host, limits) => calls.unary(Auth.methods.authenticate, { name, password }, host, limits));
    } catch (error) {
      if (isLoginNeedless(error)) return { token: undefined };
      throw error;
    }
  };
  const logins = username === undefined ? undefined : createLogins(() => login(username));
  const withLogin = <T>(call: () => Promise<T>) => (logins === undefined ? call() : logins.during(call));
  const answered = <T>(attempt: Attempt<T>) => withLogin(() => askHosts(attempt));
  const txn = (request: MessageInit<TxnRequest>) =>
    answered((host, limits) => calls.unary(KV.methods.txn, request, host, limits));
  const renew = async (leaseId: string) => {
    const request = { ID: BigInt(leaseId) };
    const { TTL } = await answered((host, limits) => calls.first(Lease.methods.leaseKeepAlive, request, host, limits));
    return Number(TTL);
  };

  return {
    async read({ ranges, limit, revision }) {
      const { header, responses } = await txn({
        success: ranges.map((range) => ({
          request: { $case: "requestRange", value: { ...range, limit, revision } },
        })),
      });
      const lists = responses.map(({ response }) => {
        if (response?.$case !== "responseRange") throw new Error("etcd answered a read with something else");
        return { stored: response.value.kvs.map(storedOf), more: response.value.more };
      });
      return { clusterId: header?.clusterId ?? 0n, revision: header?.revision ?? 0n, lists };
    },

    async put(puts, leaseId) {
      const lease = BigInt(leaseId);
      const { succeeded } = await txn({
        compare: puts.map(({ key, expected }) => ({
          key,
          result: Compare_CompareResult.EQUAL,
          target: Compare_CompareTarget.MOD,
          targetUnion: { $case: "modRevision", value: expected },
        })),
        success: puts.map(({ key, value }) => ({ request: { $case: "requestPut", value: { key, value, lease } } })),
      });
      return succeeded;
    },

    async grant(ttlSeconds) {
      const ID = randomLeaseId();
      try {
        const { TTL } = await answered((host, limits) =>
          calls.unary(Lease.methods.leaseGrant, { ID, TTL: ttlSeconds }, host, limits),
        );
        return { leaseId: `${ID}`, ttlSeconds: Number(TTL) };
      } catch (error) {
        // The id is ours alone: another host has granted it, and its answer did not come.
        if (!(error instanceof Error && error.message.includes("lease already exists"))) throw error;
        return { leaseId: `${ID}`, ttlSeconds: await renew(`${ID}`) };
      }
    },

    renew,

    async revoke(leaseId) {
      try {
        await answered((host, limits) => calls.unary(Lease.methods.leaseRevoke, { ID: BigInt(leaseId) }, host, limits));
      } catch (error) {
        if (!isLeaseGone(error)) throw error;
      }
    },

    watch: (options) =>
      withLogin(() =>
        hosts.during(() =>
          openWatch(options, {
            hosts,
            open: (requests, host, limits) => calls.stream(Watch.methods.watch, requests, host, limits),
            hedgeMs,
            callTimeoutMs,
          }),
        ),
      ),

    close: () => hosts.close(),
  };
}

/** A positive number of 63 bits, as etcd takes it. */
function randomLeaseId(): bigint {
  return randomBytes(8).readBigUInt64BE() >> 1n || 1n;
}

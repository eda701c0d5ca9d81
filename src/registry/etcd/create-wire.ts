import { http2 } from "../../transport/http2/index.ts";
import { describe } from "./describe.ts";
import { createNativeWire } from "./native/native-wire.ts";
import type { EtcdSettings } from "./settings.ts";
import { type EtcdWire, NoWire } from "./wire.ts";

/** The wire that the settings name. */
export function createWire(settings: EtcdSettings): EtcdWire {
  return settings.client === "native"
    ? createNativeWire(settings, http2())
    : whenLoaded(() => import("./etcd3/etcd3-wire.ts").then(({ createEtcd3Wire }) => createEtcd3Wire(settings)));
}

/** Loads a wire, and all that it needs, when it is first used. Where that fails, each request says so. */
function whenLoaded(load: () => Promise<EtcdWire>): EtcdWire {
  let loading: Promise<EtcdWire> | undefined;
  const loaded = () => {
    loading ??= load().catch((cause) => {
      const why = `the client etcd3 for etcd cannot be loaded (${describe(cause)}): install etcd3 beside the program`;
      throw new NoWire(`${why}, outside of a bundle, or leave out client: "etcd3"`, { cause });
    });
    return loading;
  };
  return {
    read: async (request) => (await loaded()).read(request),
    put: async (puts, leaseId) => (await loaded()).put(puts, leaseId),
    grant: async (ttlSeconds) => (await loaded()).grant(ttlSeconds),
    renew: async (leaseId) => (await loaded()).renew(leaseId),
    revoke: async (leaseId) => (await loaded()).revoke(leaseId),
    watch: async (options) => (await loaded()).watch(options),
    close: () =>
      void loading?.then(
        (wire) => wire.close(),
        () => {},
      ),
  };
}

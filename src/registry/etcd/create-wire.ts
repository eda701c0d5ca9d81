import { http2 } from "../../transport/http2/index.ts";
import { createNativeWire } from "./native/native-wire.ts";
import type { EtcdSettings } from "./settings.ts";
import type { EtcdWire } from "./wire.ts";

/** The wire that the settings name. */
export function createWire(settings: EtcdSettings): EtcdWire {
  return settings.client === "native"
    ? createNativeWire(settings, http2())
    : whenLoaded(() => import("./etcd3/etcd3-wire.ts").then(({ createEtcd3Wire }) => createEtcd3Wire(settings)));
}

/** Loads a wire, and all that it needs, when it is first used. */
function whenLoaded(load: () => Promise<EtcdWire>): EtcdWire {
  let loading: Promise<EtcdWire> | undefined;
  const loaded = () => {
    loading ??= load();
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

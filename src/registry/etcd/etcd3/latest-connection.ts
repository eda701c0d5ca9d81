import type { ClientTls } from "../../../core/transport.ts";
import type { EtcdSettings } from "../settings.ts";
import { type Connection, connect } from "./connect.ts";

/** The connections that are made with what TLS is to be used now. */
export interface LatestConnection {
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): void;
}

interface Used {
  readonly connection: Connection;
  users: number;
  isOld: boolean;
}

/**
 * etcd3 takes its TLS options once. Where they are others, another etcd3 takes its place, and the one before is closed
 * when nothing uses it any more.
 */
export function latestConnection(settings: EtcdSettings): LatestConnection {
  const inUse = new Set<Used>();
  let tls = settings.tls?.();
  let latest = open(tls);

  function open(tlsNow: ClientTls | undefined): Used {
    const opened = { connection: connect(settings, tlsNow), users: 0, isOld: false };
    inUse.add(opened);
    return opened;
  }

  function end(used: Used): void {
    if (inUse.delete(used)) used.connection.etcd.close();
  }

  function current(): Used {
    const now = settings.tls?.();
    if (now === tls) return latest;
    const before = latest;
    latest = open(now);
    tls = now;
    before.isOld = true;
    if (before.users === 0) end(before);
    return latest;
  }

  return {
    async use(work) {
      const used = current();
      used.users++;
      try {
        return await work(used.connection);
      } finally {
        used.users--;
        if (used.isOld && used.users === 0) end(used);
      }
    },
    close() {
      for (const used of [...inUse]) end(used);
    },
  };
}

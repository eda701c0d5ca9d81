import type { Peer, PeerState } from "../../../core/transport.ts";

/** One host of an etcd. */
export interface Host {
  readonly address: string;
  /** Connected when it is first used. */
  readonly peer: Peer;
  /** Keeps asking whether it lives, while something waits for what it may say; until the returned function is called. */
  listen(lost: (reason: string) => unknown): () => void;
}

/** The hosts of one etcd. */
export interface Hosts {
  readonly size: number;
  /** All of them, those first that are known to be well, and of these the one that answered last. */
  inOrder(): readonly Host[];
  /** It has answered, perhaps while another had not. */
  answered(host: Host): void;
  /** Says that they are in use until `work` settles. While nobody uses them they are soon not connected. */
  during<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

export interface HostsOptions {
  readonly addresses: readonly string[];
  /** `changed` is to be called whenever the peer's state has changed. */
  readonly connect: (address: string, changed: () => void) => Peer;
}

/** etcd takes a ping every 5 s from who has a stream open, and hangs up on who sends more. */
const probeMs = 6_000;

/** After this long without use the connections are closed. */
const idleMs = 1_000;

const rank: Readonly<Record<PeerState, number>> = {
  ready: 0,
  connecting: 1,
  silent: 2,
  failed: 3,
  ejected: 3,
  unserved: 3,
  closed: 3,
};

/** A client begins with any of them, so that a thousand do not begin with the same one. */
export function createHosts({ addresses, connect }: HostsOptions): Hosts {
  const hosts = addresses.map((address) => createHost(address, connect));
  let best = Math.floor(Math.random() * hosts.length);
  let users = 0;
  let isClosed = false;
  let idle: NodeJS.Timeout | undefined;

  const close = () => {
    for (const host of hosts) host.close();
  };

  return {
    size: hosts.length,
    inOrder() {
      const turned = [...hosts.slice(best), ...hosts.slice(0, best)];
      return turned.sort((a, b) => rank[a.state] - rank[b.state]);
    },
    answered(host) {
      best = hosts.findIndex(({ address }) => address === host.address);
    },
    async during(work) {
      if (isClosed) throw new Error("this registry is closed");
      users++;
      clearTimeout(idle);
      try {
        return await work();
      } finally {
        if (--users === 0 && !isClosed) idle = setTimeout(close, idleMs).unref();
      }
    },
    close() {
      isClosed = true;
      clearTimeout(idle);
      close();
    },
  };
}

function createHost(address: string, connect: HostsOptions["connect"]) {
  const listening = new Set<{ readonly lost: (reason: string) => unknown }>();
  let peer: Peer | undefined;
  let probing: NodeJS.Timeout | undefined;

  const changed = () => {
    if (peer?.state !== "silent") return;
    for (const { lost } of [...listening]) lost(`${address}: ${peer.reason}`);
  };
  const connected = () => {
    peer ??= connect(address, changed);
    return peer;
  };

  return {
    address,
    get peer() {
      return connected();
    },
    get state(): PeerState {
      return peer?.state ?? "connecting";
    },
    listen(lost: (reason: string) => unknown) {
      const listener = { lost };
      listening.add(listener);
      probing ??= setInterval(() => peer?.probe?.(), probeMs).unref();
      return () => {
        listening.delete(listener);
        if (listening.size > 0) return;
        clearInterval(probing);
        probing = undefined;
      };
    },
    close() {
      clearInterval(probing);
      probing = undefined;
      void peer?.close(0);
      peer = undefined;
    },
  } satisfies Host & { readonly state: PeerState; close(): void };
}

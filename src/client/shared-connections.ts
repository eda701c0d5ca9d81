import type { Endpoint } from "../core/endpoint.ts";
import { PeerAround } from "../core/peer-around.ts";
import type { ConnectOptions, Peer, PeerState, Transport } from "../core/transport.ts";

export interface SharedConnections {
  /** A peer over the connection to its address. */
  connect(endpoint: Endpoint, changed: () => void): Peer;
  /** Disconnects what is still connected `timeoutMs` from now, whatever is in flight. */
  endWithin(timeoutMs: number): void;
}

interface Connection {
  readonly peer: Peer;
  /** One for each service that is called at this address. */
  readonly users: Set<() => void>;
}

/**
 * One connection an address, however many services are called there. Each service has a peer of its own over it, and
 * so a circuit of its own.
 */
export function sharedConnections(transport: Pick<Transport, "connect">, options: ConnectOptions): SharedConnections {
  const connections = new Map<string, Connection>();
  const closing = new Set<Peer>();

  function open(endpoint: Endpoint): Connection {
    const users = new Set<() => void>();
    const changed = (): void => {
      for (const user of users) user();
    };
    const connection = { peer: transport.connect(endpoint, { ...options, changed }), users };
    connections.set(endpoint.address, connection);
    return connection;
  }

  async function close(peer: Peer): Promise<void> {
    closing.add(peer);
    await peer.close();
    closing.delete(peer);
  }

  function connect(endpoint: Endpoint, changed: () => void): Peer {
    const connection = connections.get(endpoint.address) ?? open(endpoint);
    // Two services may share one `changed`; each use is a user of its own.
    const user = (): void => changed();
    connection.users.add(user);
    return new SharedPeer(endpoint, connection.peer, async () => {
      connection.users.delete(user);
      if (connection.users.size > 0) return;
      if (connections.get(endpoint.address) === connection) connections.delete(endpoint.address);
      await close(connection.peer);
    });
  }

  return {
    connect,
    endWithin(timeoutMs) {
      for (const peer of closing) void peer.close(timeoutMs);
    },
  };
}

/** A connection as one of its users sees it: with the endpoint as that service announces it, and an end of its own. */
class SharedPeer extends PeerAround {
  #endpoint: Endpoint;
  readonly #release: () => Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(endpoint: Endpoint, inner: Peer, release: () => Promise<void>) {
    super(inner);
    this.#endpoint = endpoint;
    this.#release = release;
  }

  override get endpoint(): Endpoint {
    return this.#endpoint;
  }
  override set endpoint(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    // By its metadata it may be expected to be another server than before.
    this.inner.endpoint = endpoint;
  }
  override get state(): PeerState {
    return this.#closed === undefined ? this.inner.state : "closed";
  }
  override get ready(): boolean {
    return this.#closed === undefined && this.inner.ready;
  }
  override close(): Promise<void> {
    this.#closed ??= this.#release();
    return this.#closed;
  }
}

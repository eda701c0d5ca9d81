/**
 * What a call takes of memory until it is over, in bytes, beside its metadata and its messages: as measured with streams
 * that wait for their client.
 */
export const CALL_BYTES: number = 6 * 1024;
/** What the calls of each connection may always take. */
const FIRST_BYTES = 64 * 1024;

interface Network {
  bytes: number;
  connections: number;
}

/**
 * The memory for calls that are open, of all connections together. Nobody has more of it than is left for the others, and
 * all connections from one network are one; but each may have a few calls, whatever others do. A call that never ends
 * costs its client nothing, so no time is a limit to it.
 */
export class CallRoom {
  readonly #bytes: number;
  #taken = 0;
  readonly #networks = new Map<string, Network>();

  /** @param bytes beside the first 64 KiB of each connection */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** What open calls take, in bytes. */
  get taken(): number {
    return this.#taken;
  }

  /** For a connection that comes from there. */
  open(from: string): ConnectionRoom {
    let network = this.#networks.get(from);
    if (network === undefined) {
      network = { bytes: 0, connections: 0 };
      this.#networks.set(from, network);
    }
    network.connections++;
    return new ConnectionRoom(this, network, () => this.#close(from));
  }

  /** @internal */
  take(network: Network, bytes: number, anyway: boolean): boolean {
    if (!anyway && network.bytes + bytes > this.#bytes - this.#taken - bytes) return false;
    network.bytes += bytes;
    this.#taken += bytes;
    return true;
  }

  /** @internal */
  giveBack(network: Network, bytes: number): void {
    network.bytes -= bytes;
    this.#taken -= bytes;
  }

  #close(from: string): void {
    const network = this.#networks.get(from) as Network;
    network.connections--;
    if (network.connections === 0) this.#networks.delete(from);
  }
}

/** What the open calls of one connection take of it. */
export class ConnectionRoom {
  readonly #room: CallRoom;
  readonly #network: Network;
  readonly #closed: () => void;
  #bytes = 0;

  constructor(room: CallRoom, network: Network, closed: () => void) {
    this.#room = room;
    this.#network = network;
    this.#closed = closed;
  }

  /** True where a call may be opened that takes so much: it is counted now. */
  take(bytes: number): boolean {
    if (!this.#room.take(this.#network, bytes, this.#bytes + bytes <= FIRST_BYTES)) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
    this.#room.giveBack(this.#network, bytes);
  }

  /** The connection is gone, and all its calls with it. */
  close(): void {
    this.#closed();
  }
}

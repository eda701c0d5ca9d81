/** A request that may have to wait. */
export interface Waiting {
  /** What it waits for, in bytes. */
  readonly wanted: number;
  /** By `performance.now()`. */
  readonly waitsSince: number;
  /** It has what it waits for. */
  grant(): void;
  /** It has waited for too long. */
  refuse(): void;
}

/** What each connection may always hold of requests. */
const FIRST_BYTES = 64 * 1024;
/** So many times the patience of the budget a request waits. */
const WAIT_TIMES = 6;
/** How often those that wait are looked at, in milliseconds. */
const LOOK_MS = 1000;

/** All connections from one place. */
interface Network {
  bytes: number;
  connections: number;
  /** Those of which requests wait; whose turn comes first stands first. */
  readonly waiting: Set<ConnectionRequests>;
}

export interface RequestRoomOptions {
  /** What all handlers may hold together. */
  readonly bytes: number;
  /** Of the budget, in milliseconds; a request waits six times as long at most. */
  readonly patienceMs: number;
  /** Called when a request must wait, and now and then while one does. */
  readonly waits: () => void;
}

/**
 * The memory for decoded requests that handlers hold, of all connections together. Nobody has more of it than is left for
 * the others, and all connections from one network are one; but each connection may have a little, and a network that has
 * no more than that one request of any size, while half of all is free. What finds no room waits: of each network one,
 * and of each of its connections one, in turn.
 */
export class RequestRoom {
  readonly #mostWaitMs: number;
  readonly #bytes: number;
  readonly #waits: () => void;
  #taken = 0;
  readonly #networks = new Map<string, Network>();
  readonly #waiting = new Set<Network>();
  #look: NodeJS.Timeout | undefined;

  constructor({ bytes, patienceMs, waits }: RequestRoomOptions) {
    this.#bytes = bytes;
    this.#mostWaitMs = WAIT_TIMES * patienceMs;
    this.#waits = waits;
  }

  /** What handlers hold, and what is kept for requests that are decoded next, in bytes. */
  get taken(): number {
    return this.#taken;
  }

  /** True while a request waits. */
  get isShort(): boolean {
    return this.#waiting.size > 0;
  }

  /** For a connection that comes from there. */
  open(from: string): ConnectionRequests {
    const known = this.#networks.get(from);
    const network = known ?? { bytes: 0, connections: 0, waiting: new Set() };
    if (known === undefined) this.#networks.set(from, network);
    network.connections++;
    return new ConnectionRequests(this, network, () => {
      if (network.connections === 0 && network.bytes === 0) this.#networks.delete(from);
    });
  }

  /** @internal */
  fits({ bytes: taken }: Network, bytes: number): boolean {
    if (taken + bytes <= this.#bytes - this.#taken - bytes) return true;
    return taken <= FIRST_BYTES && this.#taken <= this.#bytes / 2;
  }

  /** @internal True where what was let in has turned out to be more than there is, beside these bytes of it. */
  isOverdrawn(own: number): boolean {
    return this.#taken - own > this.#bytes;
  }

  /** @internal */
  take(network: Network, bytes: number): void {
    network.bytes += bytes;
    this.#taken += bytes;
    if (bytes < 0 && this.#waiting.size > 0) this.#serve();
  }

  /** @internal */
  wait(network: Network): void {
    this.#waiting.add(network);
    this.#waits();
    this.#look ??= setInterval(this.#onLook, Math.min(LOOK_MS, this.#mostWaitMs / 4)).unref();
  }

  /** @internal One of those that wait there does so no more: another may stand first. */
  waitNoMore(network: Network): void {
    if (network.waiting.size === 0) this.#waiting.delete(network);
    this.#serve();
  }

  #serve(): void {
    for (let passed = 0; passed < this.#waiting.size; ) {
      const [network] = this.#waiting as Set<Network>;
      if (network === undefined) return;
      this.#waiting.delete(network);
      const [connection] = network.waiting;
      passed = connection?.serveOne() === true ? 0 : passed + 1;
      if (network.waiting.size > 0) this.#waiting.add(network);
    }
    if (this.#waiting.size === 0) this.#lookNoMore();
  }

  readonly #onLook = (): void => {
    const since = performance.now() - this.#mostWaitMs;
    for (const { waiting } of [...this.#waiting]) for (const connection of [...waiting]) connection.refuse(since);
    this.#serve();
    if (this.#waiting.size > 0) this.#waits();
  };

  #lookNoMore(): void {
    clearInterval(this.#look);
    this.#look = undefined;
  }
}

/** What the requests of one connection take of it. */
export class ConnectionRequests {
  #bytes = 0;
  readonly #room: RequestRoom;
  readonly #network: Network;
  readonly #forget: () => void;
  readonly #waiting = new Set<Waiting>();

  constructor(room: RequestRoom, network: Network, forget: () => void) {
    this.#room = room;
    this.#network = network;
    this.#forget = forget;
  }

  /** True where a request of so many bytes need not wait. */
  fits(bytes: number): boolean {
    return this.#isLittle(bytes) || (this.#network.waiting.size === 0 && this.#room.fits(this.#network, bytes));
  }

  /** True where a request that was let in, and has so many bytes, must wait again. */
  isCrowded(own: number): boolean {
    return !this.#isLittle(0) && this.#room.isOverdrawn(own);
  }

  /** So much more is held, or less. */
  take(bytes: number): void {
    this.#bytes += bytes;
    this.#room.take(this.#network, bytes);
    if (bytes < 0) this.#forget();
  }

  /** It is told once there is room for what it wants. */
  wait(request: Waiting): void {
    this.#waiting.add(request);
    this.#network.waiting.add(this);
    this.#room.wait(this.#network);
  }

  waitNoMore(request: Waiting): void {
    this.#waiting.delete(request);
    if (this.#waiting.size === 0) this.#network.waiting.delete(this);
    this.#room.waitNoMore(this.#network);
  }

  /** @internal True where its next request has room: it has it now. */
  serveOne(): boolean {
    const [request] = this.#waiting;
    if (request === undefined) return false;
    if (!this.#isLittle(request.wanted) && !this.#room.fits(this.#network, request.wanted)) return false;
    // The next time it is another's turn.
    this.#network.waiting.delete(this);
    this.#waiting.delete(request);
    if (this.#waiting.size > 0) this.#network.waiting.add(this);
    request.grant();
    return true;
  }

  /** Refuses those that have waited since then, or for longer. */
  refuse(since: number): void {
    for (const request of [...this.#waiting]) if (request.waitsSince <= since) request.refuse();
  }

  /** The connection is gone, and all its calls with it; their handlers may hold what they have. */
  close(): void {
    this.#network.connections--;
    this.#forget();
  }

  #isLittle(bytes: number): boolean {
    return this.#bytes + bytes <= FIRST_BYTES;
  }
}

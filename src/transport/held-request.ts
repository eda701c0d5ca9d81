import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ConnectionRequests, Waiting } from "./request-room.ts";

interface Wait {
  readonly bytes: number;
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: RpcError) => void;
}

/** What the request of one call takes, or the message of it that is read last: from before it is decoded. */
export class HeldRequest implements Waiting {
  readonly #connection: ConnectionRequests;
  #bytes = 0;
  #wait: Wait | undefined;

  constructor(connection: ConnectionRequests) {
    this.#connection = connection;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It takes so much now, whatever there is. */
  set(bytes: number): void {
    const more = bytes - this.#bytes;
    if (more === 0) return;
    this.#bytes = bytes;
    this.#connection.take(more);
  }

  /** Takes so much where there is room now. */
  take(bytes: number): boolean {
    const hasRoom = this.#connection.fits(bytes - this.#bytes);
    if (hasRoom) this.set(bytes);
    return hasRoom;
  }

  /**
   * Takes so much once there is room. One at a time.
   * @throws RpcError RESOURCE_EXHAUSTED where there is none for too long; what `leave` was given
   */
  enter(bytes: number): Promise<void> {
    if (this.take(bytes)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#wait = { bytes, since: performance.now(), resolve, reject };
      this.#connection.wait(this);
    });
  }

  /** True where it must wait again though it was let in: others have turned out to take more than there is. */
  get isCrowded(): boolean {
    return this.#connection.isCrowded(this.#bytes);
  }

  /** Nobody waits for it any more. */
  leave(error: RpcError): void {
    this.#waitNoMore()?.reject(error);
  }

  get isWaiting(): boolean {
    return this.#wait !== undefined;
  }

  get wanted(): number {
    return this.#wait?.bytes ?? 0;
  }

  get waitsSince(): number {
    return this.#wait?.since ?? Number.POSITIVE_INFINITY;
  }

  grant(): void {
    const wait = this.#wait;
    this.#wait = undefined;
    if (wait === undefined) return;
    this.set(wait.bytes);
    wait.resolve();
  }

  /** Refuses it where it waits. */
  refuse(): void {
    const wait = this.#waitNoMore();
    if (wait === undefined) return;
    const waited = Math.round((performance.now() - wait.since) / 100) / 10;
    const why =
      `a request of ${wait.bytes} bytes has waited ${waited} s for the memory that calls under way hold: ` +
      "make fewer large calls at a time, or give the server more memoryBudgetBytes";
    wait.reject(new RpcError(Code.RESOURCE_EXHAUSTED, why));
  }

  #waitNoMore(): Wait | undefined {
    const wait = this.#wait;
    this.#wait = undefined;
    if (wait !== undefined) this.#connection.waitNoMore(this);
    return wait;
  }
}

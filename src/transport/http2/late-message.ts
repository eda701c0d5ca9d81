import { Code } from "../../core/code.ts";
import type { LateRequest } from "../../core/late-request.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { HeldRequest } from "../held-request.ts";
import type { MemoryAccount } from "../memory-account.ts";
import { decompressNow } from "./compression.ts";
import { decodedInRoom, decodedWhereRoom } from "./decoded-in-room.ts";

export interface LateMessageOptions {
  readonly encoding: string;
  /** As they came; nobody else's. */
  readonly bytes: Buffer;
  /** The largest message, decompressed. */
  readonly maxBytes: number;
  readonly memory: MemoryAccount;
  /** What it takes once it is decoded. */
  readonly held: HeldRequest;
  readonly decode: (bytes: Buffer) => unknown;
}

const NOTHING = Buffer.alloc(0);

/**
 * A unary request that is compressed or large, or that its client's other requests leave no room for: it stays as it
 * came, and is charged to its client, until it is wanted and there is room.
 */
export class LateMessage implements LateRequest {
  // Its bytes apart: they are to be let go of.
  readonly #options: Omit<LateMessageOptions, "bytes">;
  #bytes: Buffer;
  #isDecoded = false;
  #message: unknown;
  #ready: Promise<void> | undefined;

  constructor(options: LateMessageOptions) {
    const { bytes, ...others } = options;
    this.#options = others;
    this.#bytes = bytes;
    options.memory.hold(bytes.length);
  }

  /** What waits as it came, in bytes. */
  get waitingBytes(): number {
    return this.#options.held.isWaiting ? this.#bytes.length : 0;
  }

  get message(): unknown {
    if (this.#isDecoded) return this.#message;
    const { encoding, maxBytes, memory, held, decode } = this.#options;
    const came = this.#mustBeThere();
    const bytes = encoding === "identity" ? came : decompressNow(encoding, came, maxBytes, memory);
    this.#settle(
      decodedWhereRoom(held, bytes, decode, (wanted) => {
        throw noRoom(wanted);
      }),
    );
    return this.#message;
  }

  ready(): Promise<void> {
    this.#ready ??= this.#decode();
    return this.#ready;
  }

  async #decode(): Promise<void> {
    if (this.#isDecoded) return;
    const bytesOf = (): Buffer => this.#mustBeThere();
    try {
      this.#settle(await decodedInRoom({ ...this.#options, bytesOf }));
    } catch (error) {
      // Somebody who could not wait may have decoded it.
      if (!this.#isDecoded) throw error;
    }
  }

  /** The call is over: nobody wants it any more. */
  drop(): void {
    const { memory, held } = this.#options;
    memory.free(this.#bytes.length);
    this.#bytes = NOTHING;
    if (held.isWaiting) held.leave(notDecoded());
  }

  #mustBeThere(): Buffer {
    if (this.#bytes !== NOTHING) return this.#bytes;
    throw notDecoded();
  }

  #settle(message: unknown): void {
    if (this.#isDecoded) return;
    this.#isDecoded = true;
    this.#message = message;
    this.drop();
  }
}

function noRoom(bytes: number): RpcError {
  const why =
    `a request of ${bytes} bytes is read while calls under way hold the memory for it: where an interceptor reads ` +
    "requests, let it wait by `await call.late?.ready()`";
  return new RpcError(Code.RESOURCE_EXHAUSTED, why);
}

function notDecoded(): RpcError {
  return new RpcError(Code.CANCELLED, "the call is over; its request was not decoded");
}

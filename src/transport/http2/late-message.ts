import { Code } from "../../core/code.ts";
import type { LateRequest } from "../../core/late-request.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { MemoryAccount } from "../memory-account.ts";
import { decompressNow, inflated } from "./compression.ts";

export interface LateMessageOptions {
  readonly encoding: string;
  /** As they came; nobody else's. */
  readonly bytes: Buffer;
  /** The largest message, decompressed. */
  readonly maxBytes: number;
  readonly memory: MemoryAccount;
  readonly decode: (bytes: Buffer) => unknown;
}

const NOTHING = Buffer.alloc(0);

/** A unary request that is compressed or large: it stays as it came, and is charged to its client, until it is wanted. */
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

  get message(): unknown {
    if (this.#isDecoded) return this.#message;
    const { encoding, maxBytes, memory, decode } = this.#options;
    this.#mustBeThere();
    const bytes = encoding === "identity" ? this.#bytes : decompressNow(encoding, this.#bytes, maxBytes, memory);
    this.#settle(decode(bytes));
    return this.#message;
  }

  ready(): Promise<void> {
    this.#ready ??= this.#decode();
    return this.#ready;
  }

  async #decode(): Promise<void> {
    if (this.#isDecoded) return;
    const { encoding, maxBytes, memory, decode } = this.#options;
    const message = await inflated(encoding, () => this.#mustBeThere(), maxBytes, memory, decode);
    this.#settle(message);
  }

  /** The call is over: nobody wants it any more. */
  drop(): void {
    this.#options.memory.free(this.#bytes.length);
    this.#bytes = NOTHING;
  }

  #mustBeThere(): Buffer {
    if (this.#bytes !== NOTHING) return this.#bytes;
    throw new RpcError(Code.CANCELLED, "the call is over; its request was not decoded");
  }

  #settle(message: unknown): void {
    this.#isDecoded = true;
    this.#message = message;
    this.drop();
  }
}

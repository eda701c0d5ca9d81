import type { Method } from "../../core/method.ts";
import { HeldRequest } from "../held-request.ts";
import type { MemoryAccount } from "../memory-account.ts";
import { decodedHeapBytes, decodeMessage } from "../message.ts";
import type { ConnectionRequests } from "../request-room.ts";
import { decodedInRoom, TRIFLE_BYTES } from "./decoded-in-room.ts";
import { LateMessage } from "./late-message.ts";

/** Decodes the requests of a connection, as far as handlers leave room for them. */
export class RequestDecoder {
  /** What the message that was decoded last takes at least, in bytes. */
  taken = 0;
  readonly #memory: MemoryAccount;
  readonly #room: ConnectionRequests;
  readonly #maxBytes: number;

  constructor(memory: MemoryAccount, room: ConnectionRequests, maxBytes: number) {
    this.#memory = memory;
    this.#room = room;
    this.#maxBytes = maxBytes;
  }

  decode(method: Method, bytes: Uint8Array, start: number, end: number, owned: boolean): unknown {
    const message = decodeMessage(method, "request", bytes, start, end, owned);
    this.taken = end - start + decodedHeapBytes();
    return message;
  }

  /** True where what was decoded last may be held. */
  get hasRoom(): boolean {
    return this.taken <= TRIFLE_BYTES || this.#room.fits(this.taken);
  }

  /** The bytes of a call, whatever holds them, from before its request is decoded. */
  held(): HeldRequest {
    return new HeldRequest(this.#room);
  }

  /** A request that is decoded once its call has been let in. */
  late(method: Method, encoding: string, bytes: Buffer, held: HeldRequest): LateMessage {
    const decode = decodeOwned(method);
    return new LateMessage({ encoding, bytes, maxBytes: this.#maxBytes, memory: this.#memory, held, decode });
  }

  /**
   * A message of a stream of requests, once there is room for it; what it waits as is charged to its client.
   * @param mustBeWanted throws once nobody wants it any more
   */
  async whenRoom(
    method: Method,
    encoding: string,
    bytes: Buffer,
    held: HeldRequest,
    mustBeWanted: () => void,
  ): Promise<unknown> {
    const memory = this.#memory;
    const bytesOf = (): Buffer => {
      mustBeWanted();
      return bytes;
    };
    memory.hold(bytes.length);
    try {
      const decode = decodeOwned(method);
      return await decodedInRoom({ encoding, bytesOf, maxBytes: this.#maxBytes, memory, held, decode });
    } catch (error) {
      mustBeWanted();
      throw error;
    } finally {
      memory.free(bytes.length);
    }
  }
}

function decodeOwned(method: Method): (bytes: Buffer) => unknown {
  return (bytes) => decodeMessage(method, "request", bytes, 0, bytes.length, true);
}

import { weightOf } from "../codec/weight.ts";
import type { HeldRequest } from "../held-request.ts";
import type { MemoryAccount } from "../memory-account.ts";
import { decodedHeapBytes } from "../message.ts";
import { inflated } from "./compression.ts";

/** Up to so much, and in small things, a call holds without its being counted: the room of the call stands for it. */
export const TRIFLE_BYTES = 1024;
const GZIP_LENGTH_BYTES = 4;
const NOT_YET = Symbol("not yet");

export interface RoomyMessage {
  /** How it is compressed; `identity` where it is not. */
  readonly encoding: string;
  /** As it came. Throws once nobody wants it any more. */
  readonly bytesOf: () => Buffer;
  /** The largest message, decompressed. */
  readonly maxBytes: number;
  readonly memory: MemoryAccount;
  readonly held: HeldRequest;
  readonly decode: (bytes: Buffer) => unknown;
}

/**
 * Decompresses and decodes a request once handlers leave room for it, in its turn. Room is kept for its bytes, and from
 * then on for what it takes: where that has turned out to be far more, those that were let in behind it wait anew. What
 * it inflates to is known of gzip, if that tells the truth, and else once it has been inflated.
 * @throws RpcError RESOURCE_EXHAUSTED where there is no room for too long; what `inflated` throws
 */
export async function decodedInRoom(message: RoomyMessage): Promise<unknown> {
  const { encoding, bytesOf, maxBytes, memory, held, decode } = message;
  let wanted = lengthOf(encoding, bytesOf());
  if (maxBytes >= 0) wanted = Math.min(wanted, maxBytes);
  const decodeThere = (bytes: Buffer): unknown =>
    decodedWhereRoom(held, bytes, decode, (lacking) => {
      wanted = lacking;
      return NOT_YET;
    });
  for (;;) {
    if (wanted > TRIFLE_BYTES) await held.enter(wanted);
    const decoded = await inflated(encoding, bytesOf, maxBytes, memory, decodeThere);
    if (decoded !== NOT_YET) return decoded;
    held.set(0);
  }
}

/**
 * Decodes a request, and holds it.
 * @param crowded called with what it takes where there is no room for that; what it gives is given
 */
export function decodedWhereRoom(
  held: HeldRequest,
  bytes: Buffer,
  decode: (bytes: Buffer) => unknown,
  crowded: (wanted: number) => unknown,
): unknown {
  const { length } = bytes;
  if (length > TRIFLE_BYTES && (held.isCrowded || (length > held.bytes && !held.take(length)))) return crowded(length);
  const decoded = decode(bytes);
  const taken = length + decodedHeapBytes();
  if (taken <= TRIFLE_BYTES) return decoded;
  // Of those that room was kept for one at a time may turn out to take more.
  if (held.bytes === 0 && !held.take(taken)) return crowded(taken);
  held.set(weightOf(decoded, taken));
  return decoded;
}

/** What it inflates to, as far as it says so: gzip does at its end. RFC 1952, 2.3.1. */
function lengthOf(encoding: string, bytes: Buffer): number {
  if (encoding === "identity") return bytes.length;
  const isTold = encoding === "gzip" && bytes.length > GZIP_LENGTH_BYTES;
  return isTold ? bytes.readUInt32LE(bytes.length - GZIP_LENGTH_BYTES) : 0;
}

import { createGunzip, createInflate } from "node:zlib";
import type { MemoryAccount } from "../memory-account.ts";

/** What is inflated at a time. */
const CHUNK_BYTES = 64 * 1024;

export interface Inflated {
  readonly bytes: Buffer;
  /** They are kept no longer. */
  free(): void;
}

/** A message is larger than it may be once it is inflated. */
export class TooLargeError extends Error {
  /** What had been inflated of it. */
  readonly bytes: number;

  constructor(bytes: number) {
    super(`${bytes} bytes and more`);
    this.bytes = bytes;
  }
}

/**
 * Inflates off the main thread. What has been inflated is charged to `memory`, chunk by chunk, until it is freed.
 * @param mustBeWanted throws once nobody wants it any more; called for each chunk
 * @throws TooLargeError over `maxBytes`, as soon as it is; what zlib throws for bytes that are not of the encoding
 */
export async function inflate(
  encoding: string,
  compressed: Uint8Array,
  maxBytes: number,
  memory: MemoryAccount,
  mustBeWanted: () => unknown,
): Promise<Inflated> {
  const engine =
    encoding === "gzip" ? createGunzip({ chunkSize: CHUNK_BYTES }) : createInflate({ chunkSize: CHUNK_BYTES });
  const chunks: Buffer[] = [];
  let length = 0;
  const free = (): void => memory.free(length);
  try {
    engine.end(compressed);
    for await (const chunk of engine as AsyncIterable<Buffer>) {
      memory.hold(chunk.length);
      length += chunk.length;
      if (length > maxBytes) throw new TooLargeError(length);
      mustBeWanted();
      chunks.push(chunk);
    }
  } catch (error) {
    free();
    throw error;
  }
  return { bytes: Buffer.concat(chunks, length), free };
}

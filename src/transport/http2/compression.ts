import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { deflate, gunzipSync, gzip, inflateSync } from "node:zlib";
import { Code } from "../../core/code.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { Compression } from "../../core/transport.ts";
import type { MemoryAccount } from "../memory-account.ts";
import { Oversize } from "../oversize.ts";
import { turns, type Worker } from "../turns.ts";
import { overBudget, PREFIX_BYTES } from "./inbox.ts";
import { type Inflated, inflate, TooLargeError } from "./inflate.ts";

/** What this side can decompress, as `grpc-accept-encoding` says it. */
export const ACCEPTED_ENCODINGS = "identity,deflate,gzip";

/** The same where compression is refused. */
export const NO_ENCODINGS = "identity";

const everything: readonly Compression[] = ["identity", "deflate", "gzip"];

/** Longer lists are not looked at: nobody knows so many, and each would be a text of its own. */
const MOST_ACCEPTED_LENGTH = 256;

/** What a peer's `grpc-accept-encoding` names of what we know. */
export function acceptedOf(header: string | undefined): readonly Compression[] {
  if (header === undefined) return ["identity"];
  if (header.length > MOST_ACCEPTED_LENGTH) return ["identity"];
  const names = new Set(header.split(",").map((name) => name.trim()));
  return everything.filter((name) => name === "identity" || names.has(name));
}

export function isKnownEncoding(name: string): name is Compression {
  return (everything as readonly string[]).includes(name);
}

type Transform = (bytes: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void;

const compressors: Readonly<Record<Exclude<Compression, "identity">, Transform>> = { gzip, deflate };
const decompressed: ReadonlySet<string> = new Set(["gzip", "deflate"]);

/**
 * Compresses a message that stands behind its prefix, off the main thread, when its turn has come, and gives it with its
 * new prefix; `undefined` where it is not wanted any more by then.
 */
export function compressFramed(
  encoding: Exclude<Compression, "identity">,
  framed: Buffer,
  whose: Worker,
  isWanted: () => boolean,
): Promise<Buffer | undefined> {
  return compressing(whose, async () => (isWanted() ? compressNow(encoding, framed) : undefined));
}

async function compressNow(encoding: Exclude<Compression, "identity">, framed: Buffer): Promise<Buffer> {
  const body = await run(compressors[encoding], framed.subarray(PREFIX_BYTES), {});
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = 1;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** So few at a time, for the whole process: the state of each takes a quarter of a megabyte. */
const compressing = turns(4);

/** From this size on a message waits for its turn to be decoded: one of them in a turn of the event loop. */
export const LARGE_BYTES: number = 256 * 1024;
/** Where there is no limit of messages, a message inflates to no more than this. */
const MOST_BYTES = 2 ** 31 - 1;
/**
 * So few at a time, for the whole process: what they make is memory, and their threads are everybody's. Connections take
 * turns.
 */
const inflating = turns(4);
const decoding = turns(1);
/** After a message that took so long to decode, in milliseconds, the loop is for others as long as it took. */
const LONG_MS = 10;
let restUntil = 0;

/**
 * Decompresses a message off the main thread, and decodes it; each waits for its turn. What it takes meanwhile is charged
 * to its peer. Gives up as soon as it is larger than allowed.
 * @param bytesOf called when its turn has come, and later; throws once nobody wants the message any more
 * @throws RpcError RESOURCE_EXHAUSTED over `maxBytes`; INTERNAL for an unknown encoding or bytes that are not it
 */
export async function inflated(
  encoding: string,
  bytesOf: () => Buffer,
  maxBytes: number,
  memory: MemoryAccount,
  decode: (bytes: Buffer) => unknown,
): Promise<unknown> {
  if (encoding === "identity") return inTurn(bytesOf, memory, decode);
  return inflating(memory, async () => {
    const { bytes, free } = await decompress(encoding, bytesOf, maxBytes, memory);
    const wanted = (): Buffer => {
      bytesOf();
      return bytes;
    };
    try {
      return bytes.length < LARGE_BYTES ? decode(wanted()) : await inTurn(wanted, memory, decode);
    } finally {
      free();
    }
  });
}

/** A message of a stream that must wait for its turn. */
export interface TakenMessage {
  /** How it is compressed; `identity` where it is only large. */
  readonly encoding: string;
  /** Nobody else's. */
  readonly bytes: Buffer;
  /** The largest message, decompressed. */
  readonly maxBytes: number;
  readonly memory: MemoryAccount;
  readonly decode: (bytes: Buffer) => unknown;
  /** Throws once nobody wants it any more. */
  readonly mustBeWanted: () => void;
}

/** As `inflated`; what it waits as is charged to its peer too. */
export async function decodedInTurn(message: TakenMessage): Promise<unknown> {
  const { encoding, bytes, maxBytes, memory, decode, mustBeWanted } = message;
  const bytesOf = (): Buffer => {
    mustBeWanted();
    return bytes;
  };
  memory.hold(bytes.length);
  try {
    return await inflated(encoding, bytesOf, maxBytes, memory, decode);
  } finally {
    memory.free(bytes.length);
  }
}

function inTurn(bytesOf: () => Buffer, memory: MemoryAccount, decode: (bytes: Buffer) => unknown): Promise<unknown> {
  return decoding(memory, async () => {
    await nextTurn();
    const restMs = restUntil - performance.now();
    if (restMs > 0) await sleep(restMs);
    const begin = performance.now();
    try {
      return decode(bytesOf());
    } finally {
      const end = performance.now();
      if (end - begin >= LONG_MS) restUntil = end + end - begin;
    }
  });
}

/** Decompresses a message at once. Throws as `inflated` rejects. */
export function decompressNow(encoding: string, bytes: Buffer, maxBytes: number, memory: MemoryAccount): Buffer {
  const most = mostOf(maxBytes, memory);
  try {
    return (encoding === "gzip" ? gunzipSync : inflateSync)(bytes, { maxOutputLength: most });
  } catch (cause) {
    const isTooLarge = (cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
    throw isTooLarge ? tooLarge(most + 1, maxBytes, memory) : undecompressed(encoding, cause);
  }
}

async function decompress(
  encoding: string,
  bytesOf: () => Buffer,
  maxBytes: number,
  memory: MemoryAccount,
): Promise<Inflated> {
  checkEncoding(encoding);
  try {
    return await inflate(encoding, bytesOf(), mostOf(maxBytes, memory), memory, bytesOf);
  } catch (cause) {
    if (cause instanceof TooLargeError) throw tooLarge(cause.bytes, maxBytes, memory);
    throw RpcError.is(cause) ? cause : undecompressed(encoding, cause);
  }
}

/** @throws RpcError INTERNAL for a message that is marked as compressed where no encoding was named */
export function checkEncoding(encoding: string): void {
  if (!decompressed.has(encoding)) throw unmarked(encoding);
}

function unmarked(encoding: string): RpcError {
  return new RpcError(Code.INTERNAL, `a message is marked as compressed, and grpc-encoding is ${encoding}`);
}

/** The most that a message may inflate to. */
function mostOf(maxBytes: number, memory: MemoryAccount): number {
  const allowed = maxBytes < 0 || maxBytes > MOST_BYTES ? MOST_BYTES : Math.max(1, maxBytes);
  return Math.min(allowed, memory.mostMessageBytes - PREFIX_BYTES);
}

function tooLarge(bytes: number, maxBytes: number, memory: MemoryAccount): RpcError {
  return maxBytes < 0 || bytes <= maxBytes ? overBudget(bytes, memory) : new Oversize(undefined, maxBytes);
}

function undecompressed(encoding: string, cause: unknown): RpcError {
  return new RpcError(Code.INTERNAL, `a message does not decompress as ${encoding}`, { cause });
}

function run(transform: Transform, bytes: Uint8Array, options: object): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    transform(bytes, options, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

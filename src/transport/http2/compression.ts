import { deflate, gunzip, gzip, inflate } from "node:zlib";
import { Code } from "../../core/code.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { Compression } from "../../core/transport.ts";
import { PREFIX_BYTES } from "./inbox.ts";

/** What this side can decompress, as `grpc-accept-encoding` says it. */
export const ACCEPTED_ENCODINGS = "identity,deflate,gzip";

const everything: readonly Compression[] = ["identity", "deflate", "gzip"];

/** What a peer's `grpc-accept-encoding` names of what we know. */
export function acceptedOf(header: string | undefined): readonly Compression[] {
  if (header === undefined) return ["identity"];
  const names = new Set(header.split(",").map((name) => name.trim()));
  return everything.filter((name) => name === "identity" || names.has(name));
}

export function isKnownEncoding(name: string): name is Compression {
  return (everything as readonly string[]).includes(name);
}

type Transform = (bytes: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void;

const compressors: Readonly<Record<Exclude<Compression, "identity">, Transform>> = { gzip, deflate };
const decompressors: Readonly<Record<string, Transform>> = { gzip: gunzip, deflate: inflate };

/** Compresses a message that stands behind its prefix, off the main thread, and gives it with its new prefix. */
export async function compressFramed(encoding: Exclude<Compression, "identity">, framed: Buffer): Promise<Buffer> {
  const body = await run(compressors[encoding], framed.subarray(PREFIX_BYTES), {});
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = 1;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/**
 * Decompresses a message, off the main thread, and gives up as soon as it is larger than allowed.
 * @throws RpcError RESOURCE_EXHAUSTED over `maxBytes`; INTERNAL for an unknown encoding or bytes that are not it
 */
export async function decompress(encoding: string, bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  const transform = decompressors[encoding];
  if (transform === undefined) {
    throw new RpcError(Code.INTERNAL, `a message is marked as compressed, and grpc-encoding is ${encoding}`);
  }
  try {
    return await run(transform, bytes, Number.isFinite(maxBytes) ? { maxOutputLength: Math.max(1, maxBytes) } : {});
  } catch (cause) {
    if ((cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
      const why = `a message is larger than the limit of ${maxBytes} bytes once it is decompressed`;
      throw new RpcError(Code.RESOURCE_EXHAUSTED, why, { cause });
    }
    throw new RpcError(Code.INTERNAL, `a message does not decompress as ${encoding}`, { cause });
  }
}

function run(transform: Transform, bytes: Uint8Array, options: object): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    transform(bytes, options, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

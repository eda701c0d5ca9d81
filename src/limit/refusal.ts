import type { Code } from "../core/code.ts";
import { Metadata } from "../core/metadata.ts";
import { RETRY_PUSHBACK } from "../core/pushback.ts";
import { RpcError } from "../core/rpc-error.ts";

/** The error for a call that is refused before any work, with the time after which another attempt may do better. */
export function refusal(code: Code, message: string, pushbackMs: number): RpcError {
  // Metadata.from leaves keys of gRPC's own to gRPC, of which this is a part.
  const metadata = Metadata.fromFlat([RETRY_PUSHBACK, String(Math.ceil(pushbackMs))]);
  return new RpcError(code, message, { metadata });
}

import { RpcError } from "../core/rpc-error.ts";

/** What went wrong, in one line; gRPC's code in front where it has one. */
export function errorLine(error: unknown): string {
  if (RpcError.is(error)) return `${error.codeName}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

import type { Attributes } from "@opentelemetry/api";
import type { Call } from "../core/call.ts";
import type { CodeName } from "../core/code.ts";
import type { Method } from "../core/method.ts";
import type { RpcError } from "../core/rpc-error.ts";

// OpenTelemetry's conventions for RPC, stable since 1.45, and those of gRPC: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/

export type Side = "client" | "server";

/** Which side of a call an interceptor stands on: only a server knows a caller. */
export function sideOf(call: Call): Side {
  return call.caller === undefined ? "client" : "server";
}

/** What is known before the call is made. A client names the service that it looks up; the peer is not picked yet. */
export function callAttributes(method: Method, side: Side): Attributes {
  const attributes = { "rpc.system.name": "grpc", "rpc.method": method.path.slice(1) };
  return side === "client" ? { ...attributes, "server.address": method.service } : attributes;
}

/** Where the other end is. A path or a name that is no `host:port` stands as it is. */
export function peerAttributes(address: string): Attributes {
  const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host === undefined) return { "network.peer.address": address };
  return { "network.peer.address": host.replace(/^\[|\]$/g, ""), "network.peer.port": Number(port) };
}

/** What is known when it is over. */
export function endAttributes(error: RpcError | undefined, side: Side): Attributes {
  if (error === undefined) return { "rpc.status_code": "OK" };
  const code = error.codeName;
  const attributes = { "rpc.status_code": code };
  return isFailure(code, side) ? { ...attributes, "error.type": code } : attributes;
}

const serverFailures: readonly CodeName[] = [
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
];

/** To a client every code but OK is a failure; a server has not failed by saying no. */
export function isFailure(code: CodeName, side: Side): boolean {
  return side === "client" || serverFailures.includes(code);
}

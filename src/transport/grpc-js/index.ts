import type { ListenOptions, Transport } from "../../core/transport.ts";
import { checkConnectOptions, checkListenOptions } from "../check-options.ts";
import { connectGrpcJs } from "./client.ts";
import { listenGrpcJs } from "./listener.ts";

/**
 * The wire by `@grpc/grpc-js`: `createChannel({ transport: grpcJs() })`.
 *
 * An upload that a Trunkline client breaks off is never whole to the handler that reads it. A client that is grpc-js by
 * itself ends the upload before it cancels it: over this wire, as over every other, a handler may read that end first.
 */
export function grpcJs(): Transport {
  return {
    name: "grpc-js",
    connect(endpoint, options) {
      checkConnectOptions(options);
      return connectGrpcJs(endpoint, options);
    },
    async listen(address, acceptor, options) {
      checkListenOptions(options);
      checkPings(options);
      return listenGrpcJs(address, acceptor, options);
    },
  };
}

/** Once a connection has been told to go, a ping of grpc-js's breaks it, with the calls that were to finish on it. */
function checkPings({
  keepaliveMs = Number.POSITIVE_INFINITY,
  maxConnectionAgeMs,
  maxConnectionIdleMs,
}: ListenOptions): void {
  const name = maxConnectionAgeMs === undefined ? "maxConnectionIdleMs" : "maxConnectionAgeMs";
  if (keepaliveMs === Number.POSITIVE_INFINITY || (maxConnectionAgeMs ?? maxConnectionIdleMs) === undefined) return;
  const why = "its pings break a connection that is going, and the calls on it";
  throw new TypeError(`grpcJs() cannot have both keepaliveMs and ${name}: ${why}; leave one out, or use http2()`);
}

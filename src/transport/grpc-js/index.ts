import type { Transport } from "../../core/transport.ts";
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
      return listenGrpcJs(address, acceptor, options);
    },
  };
}

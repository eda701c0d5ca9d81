import type { Transport } from "../../core/transport.ts";
import { connectGrpcJs } from "./client.ts";
import { listenGrpcJs } from "./listener.ts";

/** The wire by `@grpc/grpc-js`: `createChannel({ transport: grpcJs() })`. */
export function grpcJs(): Transport {
  return { name: "grpc-js", connect: connectGrpcJs, listen: listenGrpcJs };
}

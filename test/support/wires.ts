import type { Transport } from "../../src/core/transport.ts";
import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { memoryTransport } from "../../src/transport/memory.ts";

/** Every transport, for what a server must do on each: `describe.each(wires)("over %s", (_name, wire) => …)`. */
export const wires: readonly (readonly [name: string, make: () => Transport])[] = [
  ["http2", () => http2()],
  ["grpc-js", () => grpcJs()],
  ["memory", () => memoryTransport()],
];

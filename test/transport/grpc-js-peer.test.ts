import type { Transport } from "../../src/core/transport.ts";
import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { grpcJsPeerContract } from "../contract/grpc-js-peer.ts";
import { authority, serverTls } from "../support/certs.ts";

const secure = { listen: { tls: serverTls }, connect: { tls: { ca: authority } } };

for (const transport of [http2, grpcJs] satisfies (() => Transport)[]) {
  grpcJsPeerContract(`our ${transport().name}`, () => ({ transport: transport() }));
  grpcJsPeerContract(`our ${transport().name} over TLS`, () => ({ transport: transport(), ...secure }), true);
}

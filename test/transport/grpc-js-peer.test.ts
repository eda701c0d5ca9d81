import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { grpcJsPeerContract } from "../contract/grpc-js-peer.ts";
import { authority, serverTls } from "../support/certs.ts";
import { grpcJsAbilities } from "../support/grpc-js-abilities.ts";

grpcJsPeerContract("our grpc-js", () => ({ transport: grpcJs() }), grpcJsAbilities);

const secure = { listen: { tls: serverTls }, connect: { tls: { ca: authority } } };
grpcJsPeerContract("our grpc-js over TLS", () => ({ transport: grpcJs(), ...secure }), grpcJsAbilities, true);

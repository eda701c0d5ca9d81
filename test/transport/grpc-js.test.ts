import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { transportContract } from "../contract/transport.ts";
import { authority, clientCertificate, mutualTls, serverTls } from "../support/certs.ts";
import { grpcJsAbilities } from "../support/grpc-js-abilities.ts";

transportContract("grpc-js", () => ({ transport: grpcJs() }), grpcJsAbilities);

// What is particular to TLS has run above.
const abilities = { ...grpcJsAbilities, tls: false };
const ca = authority;
transportContract(
  "grpc-js over TLS",
  () => ({ transport: grpcJs(), listen: { tls: serverTls }, connect: { tls: { ca } } }),
  abilities,
);

transportContract(
  "grpc-js over mutual TLS",
  () => ({ transport: grpcJs(), listen: { tls: mutualTls }, connect: { tls: { ca, ...clientCertificate } } }),
  abilities,
);

import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { type Abilities, transportContract } from "../contract/transport.ts";
import { authority, clientCertificate, mutualTls, serverTls } from "../support/certs.ts";

/** Why not more, stands at each. */
const abilities: Abilities = {
  sockets: true,
  tls: true,
  compressedRequests: true,
  // grpc-js's server cannot compress.
  compressedReplies: false,
  // Node's HTTP/2 joins them, and grpc-js does not look behind that.
  separateTextValues: false,
  // grpc-js's client drops what it has not yet handed over when the status is an error.
  messagesBeforeErrors: false,
  // Node's HTTP/2 client ends a stream before it resets it.
};

transportContract("grpc-js", () => ({ transport: grpcJs() }), abilities);

// What is particular to TLS has run above.
const plain = { ...abilities, tls: false };
const ca = authority;
transportContract(
  "grpc-js over TLS",
  () => ({ transport: grpcJs(), listen: { tls: serverTls }, connect: { tls: { ca } } }),
  plain,
);

transportContract(
  "grpc-js over mutual TLS",
  () => ({ transport: grpcJs(), listen: { tls: mutualTls }, connect: { tls: { ca, ...clientCertificate } } }),
  plain,
);

import type { Abilities } from "../contract/transport.ts";

/** What the wire by grpc-js can do, and why not more. */
export const grpcJsAbilities: Abilities = {
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
  cancelledIsNotEnded: false,
};

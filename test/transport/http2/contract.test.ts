import { http2 } from "../../../src/transport/http2/index.ts";
import { type Abilities, transportContract } from "../../contract/transport.ts";
import { authority, clientCertificate, mutualTls, serverTls } from "../../support/certs.ts";

const abilities: Abilities = {
  sockets: true,
  tls: false,
  compressedRequests: true,
  compressedReplies: true,
  separateTextValues: true,
  messagesBeforeErrors: true,
};

transportContract("http2", () => ({ transport: http2() }), { ...abilities, tls: true });

const ca = authority;
transportContract(
  "http2 over TLS",
  () => ({ transport: http2(), listen: { tls: serverTls }, connect: { tls: { ca } } }),
  abilities,
);

transportContract(
  "http2 over mutual TLS",
  () => ({ transport: http2(), listen: { tls: mutualTls }, connect: { tls: { ca, ...clientCertificate } } }),
  abilities,
);

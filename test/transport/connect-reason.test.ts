import { expect, test } from "vitest";
import { connectReason, handshakeReason } from "../../src/transport/connect-reason.ts";

const coded = (code: string, message = "what the system says"): Error => Object.assign(new Error(message), { code });

test("what the system's codes mean is said, and the code kept", () => {
  expect(connectReason(coded("ECONNREFUSED"))).toBe("connection refused (ECONNREFUSED)");
  expect(connectReason(coded("EADDRINUSE"))).toBe("the port is in use (EADDRINUSE)");
  expect(connectReason(coded("SELF_SIGNED_CERT_IN_CHAIN"))).toContain("not signed by a trusted authority");
});

test("a code that stands only in the text is found", () => {
  expect(connectReason(new Error("connect ECONNREFUSED 127.0.0.1:1"))).toBe("connection refused (ECONNREFUSED)");
  expect(connectReason("Error: getaddrinfo ENOTFOUND nowhere")).toBe("host not found (ENOTFOUND)");
});

test("what is not known is said as it is", () => {
  expect(connectReason(new Error("odd"))).toBe("odd");
  expect(connectReason(coded("EODD", "odd"))).toBe("odd");
  expect(connectReason(undefined)).toBe("undefined");
});

test("a server blames the client for what the client did, and itself for what the client says of it", () => {
  expect(handshakeReason(coded("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"))).toContain(
    "the client has no certificate",
  );
  expect(handshakeReason(coded("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"))).toContain("does not trust the server's certificate");
  expect(handshakeReason(coded("ECONNRESET"))).toBe(connectReason(coded("ECONNRESET")));
});

import { describe, expect, test } from "vitest";
import { connectReason, failureOf } from "../../src/transport/connect-reason.ts";
import { handshakeReason } from "../../src/transport/handshake-reason.ts";
import { listenReason } from "../../src/transport/listen-reason.ts";

const coded = (code: string, message = "what the system says"): Error => Object.assign(new Error(message), { code });

test("what the system's codes mean is said, and the code kept", () => {
  expect(connectReason(coded("ECONNREFUSED"))).toBe("connection refused (ECONNREFUSED)");
  expect(connectReason(coded("SELF_SIGNED_CERT_IN_CHAIN"))).toContain("not signed by a trusted authority");
});

test("a code that stands only in the text is found", () => {
  expect(connectReason(new Error("connect ECONNREFUSED 127.0.0.1:1"))).toBe("connection refused (ECONNREFUSED)");
  expect(connectReason("Error: getaddrinfo ENOTFOUND nowhere")).toMatch(/^host not found \(ENOTFOUND\): /);
});

test("what is not known is said as it is", () => {
  expect(connectReason(new Error("odd"))).toBe("odd");
  expect(connectReason(coded("EODD", "odd"))).toBe("odd");
  expect(connectReason(undefined)).toBe("undefined");
});

test("a server blames the client for what the client did, and itself for what the client says of it", () => {
  expect(handshakeReason(coded("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"))).toContain("does not trust the server's certificate");
  expect(handshakeReason(coded("ERR_SSL_WRONG_VERSION_NUMBER"))).toContain("the client does not speak TLS");
  expect(handshakeReason(coded("ECONNRESET"))).toContain("the client closed the connection");
  expect(handshakeReason(coded("EODD", "odd"))).toBe("odd");
});

test("OpenSSL's own line is told as its reason, and no reason takes more than a line", () => {
  const text = "40D3F369BB7F0000:error:0A000410:SSL routines:ssl3_read_bytes:some reason:../deps/x.c:918:\n";
  const thrown = Object.assign(new Error(text), {
    code: "ERR_SSL_SOME_REASON",
    library: "SSL routines",
    reason: "some reason",
  });
  expect(connectReason(thrown)).toBe("TLS failed: some reason (ERR_SSL_SOME_REASON)");
  expect(handshakeReason(thrown)).toBe("TLS failed: some reason (ERR_SSL_SOME_REASON)");
  expect(connectReason(new Error("one\n two\n"))).toBe("one two");
});

test.each(["SSLV3", "SSL/TLS", "TLSV1", "TLSV13"])(
  "an alert is known by its name, whatever version %s is",
  (version) => {
    const error = coded(`ERR_SSL_${version}_ALERT_CERTIFICATE_EXPIRED`);
    expect(connectReason(error)).toContain("the client's certificate has expired");
  },
);

test("a handshake that the server ended is blamed on the lack of a certificate only where there was none", () => {
  const error = coded("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
  expect(connectReason(error)).toContain("perhaps it asks for a client certificate");
  expect(connectReason(error, { certificate: true })).not.toContain("asks for");
  const bad = coded("ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE");
  expect(connectReason(bad, { certificate: true })).toContain("does not accept the client's certificate");
});

test.each(["EMFILE", "ENFILE", "EADDRNOTAVAIL"])("%s is what this machine lacks, whatever the server", (code) => {
  const failure = failureOf(coded(code));
  expect(failure).toMatchObject({ isOwn: true, isLack: true });
  expect(failure.reason).toMatch(new RegExp(`\\(${code}\\): .+`));
});

test.each(["ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EACCES", "EPERM"])("%s is no fault of a server", (code) => {
  expect(failureOf(coded(code))).toMatchObject({ isOwn: true, isLack: false });
  expect(failureOf(coded(code)).reason).toMatch(new RegExp(`\\(${code}\\): .+`));
});

test.each(["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH"])("%s may be a server's", (code) => {
  expect(failureOf(coded(code))).toMatchObject({ isOwn: false, isLack: false });
});

describe("why an address cannot be listened on, and what to do", () => {
  const port = { host: "192.0.2.1", port: 50051 };

  test.each([
    ["EADDRINUSE", port, /^the port is in use \(EADDRINUSE\): stop .* 0 takes a free one$/],
    ["EACCES", { ...port, port: 80 }, /^permission denied \(EACCES\): ports below 1024 are for root/],
    ["EACCES", port, /^permission denied \(EACCES\): this user may not/],
    [
      "EADDRNOTAVAIL",
      port,
      /^192\.0\.2\.1 is no address of this machine \(EADDRNOTAVAIL\): give one that is, or 0\.0\.0\.0/,
    ],
    ["EINVAL", { host: "fe80::1", port: 1 }, /^fe80::1 cannot be listened on \(EINVAL\): a link-local address needs/],
    ["EAFNOSUPPORT", { host: "::1", port: 1 }, /^this machine has no such addresses \(EAFNOSUPPORT\)/],
    ["ENOTFOUND", { host: "nowhere", port: 1 }, /^there is no host nowhere \(ENOTFOUND\): give/],
    ["EADDRINUSE", { path: "/tmp/a" }, /^the path is in use \(EADDRINUSE\)/],
    ["EACCES", { path: "/tmp/a" }, /^permission denied \(EACCES\): this user may not write in \/tmp$/],
    ["EINVAL", { path: "/tmp/a" }, /^the path is too long/],
    ["EODD", port, /^what the system says$/],
  ])("%s at %j", (code, to, text) => {
    expect(listenReason(coded(code), to)).toMatch(text);
  });
});

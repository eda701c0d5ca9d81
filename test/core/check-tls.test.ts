import { createPrivateKey, X509Certificate } from "node:crypto";
import { createChannel, createServer, type ServerTls } from "trunkline";
import { describe, expect, test } from "vitest";
import { checkTls } from "../../src/core/check-tls.ts";
import { authority, clientCertificate, serverTls } from "../support/certs.ts";

const passphrase = "open sesame";
const encrypted = createPrivateKey(serverTls.key as string)
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase })
  .toString();

const windows = (pem: unknown): string => String(pem).replaceAll("\n", "\r\n");

const wrong: readonly [what: string, tls: object, message: string | RegExp][] = [
  ["another's key", { ...serverTls, key: clientCertificate.key }, "tls.key does not belong to tls.cert (CN=localhost)"],
  ["a certificate in place of a key", { ...serverTls, key: serverTls.cert }, "tls.key holds no key in PEM"],
  ["a key in place of a certificate", { ...serverTls, cert: serverTls.key }, "tls.cert holds no certificate in PEM"],
  ["a path", { ...serverTls, cert: "certs/server.pem" }, "tls.cert holds no certificate in PEM: it reads like a path"],
  ["an empty file", { ...serverTls, cert: "" }, "tls.cert holds no certificate in PEM: it must have a line with BEGIN"],
  ["an authority that is none", { ca: "nobody" }, "tls.ca holds no certificate in PEM"],
  [
    "a certificate that is cut",
    { ca: authority.replace(/\n.{20}/, "\n") },
    "tls.ca holds a certificate that cannot be read",
  ],
  [
    "line ends that a variable of the environment wrote",
    { ca: authority.replaceAll("\n", "\\n") },
    'tls.ca holds a certificate that cannot be read: its line ends are written as \\n: give pem.replaceAll("\\\\n", "\\n")',
  ],
  ["lost line ends", { ca: authority.trim().replaceAll("\n", " ") }, "its line ends are gone: give the file as it is"],
  ["indented lines", { ca: authority.replaceAll(/^/gm, "  ") }, "its lines are indented: give the file as it is"],
  ["half a file", { ca: authority.slice(0, 300) }, "it is cut short, and has no line with END"],
  [
    "half a key",
    { ...serverTls, key: String(serverTls.key).slice(0, 100) },
    "it is cut short, and has no line with END",
  ],
  [
    "a certificate and its key in each other's place",
    { cert: serverTls.key, key: serverTls.cert },
    "tls.cert holds no certificate in PEM: it holds a PRIVATE KEY: are cert and key in each other's place?",
  ],
  [
    "a request for a certificate",
    { ca: "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n" },
    "tls.ca holds no certificate in PEM: it holds a CERTIFICATE REQUEST",
  ],
  [
    "DER",
    { ca: new X509Certificate(authority).raw },
    "tls.ca holds no certificate in PEM: it may be DER: make PEM of it (openssl x509 -inform der)",
  ],
  ["a certificate alone", { cert: serverTls.cert }, "tls.cert has no key: give tls.key beside it"],
  ["a key alone", { key: serverTls.key }, "tls.key has no certificate: give tls.cert beside it"],
  ["a locked key", { ...serverTls, key: encrypted }, "tls.key is encrypted: give tls.passphrase"],
  ["a wrong passphrase", { ...serverTls, key: encrypted, passphrase: "x" }, "tls.passphrase is wrong"],
  ["what is no text", { ca: 5 }, "tls.ca is no PEM, but of type number"],
];

describe.each(wrong)("%s", (_, tls, message) => {
  test("is refused, and the option is named", () => expect(() => checkTls(tls, "client")).toThrow(message));

  test("is refused when a channel and a server are made", () => {
    expect(() => createChannel({ endpoints: ["127.0.0.1:1"], tls })).toThrow(message);
    expect(() => createServer({ tls: tls as ServerTls })).toThrow(message);
  });

  test("is refused without a word of what was given", () => {
    try {
      checkTls(tls, "client");
    } catch (error) {
      expect((error as Error).message).not.toMatch(/[A-Za-z0-9+/]{30}/);
    }
  });
});

test("a server without a certificate is refused", () => {
  expect(() => createServer({ tls: {} as ServerTls })).toThrow("tls.cert is missing: a server shows a certificate");
});

test.each([
  ["an authority", { ca: authority }],
  ["two authorities", { ca: authority + authority }],
  ["line ends of Windows", { cert: windows(serverTls.cert), key: windows(serverTls.key), ca: windows(authority) }],
  ["a mark of byte order before it", { ca: `\ufeff${authority}` }],
  ["bytes", { cert: Buffer.from(serverTls.cert), key: new Uint8Array(Buffer.from(serverTls.key)) }],
  ["an encrypted key with its passphrase", { ...serverTls, key: encrypted, passphrase }],
  ["nothing", {}],
])("%s will do", (_, tls) => {
  expect(() => checkTls(tls, "client")).not.toThrow();
});

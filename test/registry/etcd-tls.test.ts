import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ClientTls } from "../../src/core/transport.ts";
import { type EtcdOptions, etcd } from "../../src/registry/etcd/index.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { authority, clientCertificate, otherAuthority, strangerCertificate } from "../support/certs.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { watchService } from "../support/snapshots.ts";

const file = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const trusting = { ca: authority, ...clientCertificate, serverName: "localhost" };
const endpoint = { address: "10.0.0.1:1000" };

const wrongs: readonly [what: string, tls: ClientTls | undefined, reason: RegExp][] = [
  [
    "an authority that did not sign its certificate",
    { ...trusting, ca: otherAuthority },
    /cannot connect to \S+: the server's certificate is not signed by a trusted authority \(\w+\): give .* as tls\.ca$/,
  ],
  [
    "a name that it does not have",
    { ...trusting, serverName: "elsewhere.example" },
    /not for elsewhere\.example: give/,
  ],
  [
    "no certificate",
    { ca: authority, serverName: "localhost" },
    /perhaps it asks for a client certificate: tls\.cert and tls\.key$/,
  ],
  [
    "a certificate that it does not trust",
    { ...trusting, ...strangerCertificate },
    /the server does not accept the client's certificate \(\S+\): look at tls\.cert$/,
  ],
  ["no TLS at all", undefined, /the server closed the connection without a word: perhaps it expects TLS \(give tls\)$/],
];

describe.runIf(hasEtcd)("an etcd that serves TLS and asks clients for a certificate", () => {
  let server: TestEtcd;
  beforeAll(async () => {
    const certificates = ["--cert-file", file("server.pem"), "--key-file", file("server.key")];
    const clients = ["--client-cert-auth", "--trusted-ca-file", file("ca.pem")];
    server = await startEtcd({ args: [...certificates, ...clients], tls: clientCertificate });
  });
  afterAll(() => server.stop());

  const open: Registry[] = [];
  const registry = (at: string | readonly string[], options: EtcdOptions = {}) => {
    const made = etcd(at, options);
    open.push(made);
    return made;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  test("takes the client's certificate, from the options or from the files that a URI names", async () => {
    const { host } = new URL(server.urls[0] ?? "");
    const uri = `etcds://${host}/?ca=${file("ca.pem")}&cert=${file("client.pem")}&key=${file("client.key")}&serverName=localhost`;
    await registry(server.urls, { tls: trusting }).register({
      services: ["tls.v1.Both"],
      endpoint,
    }).registered;
    await watchService(registry(uri), "tls.v1.Both").untilCurrent(endpoint.address);
  });

  test.each(["native", "etcd3"] as const)("by %s takes a client's key that a passphrase opens", async (client) => {
    const passphrase = "so it is";
    const key = createPrivateKey(clientCertificate.key as string)
      .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase })
      .toString();
    const it = registry(server.urls, { tls: { ...trusting, key, passphrase }, client });
    await it.register({ services: ["tls.v1.Locked"], endpoint }).registered;
    await watchService(it, "tls.v1.Locked").untilCurrent(endpoint.address);
  });

  test("is found again after a restart", async () => {
    const it = registry(server.urls, { tls: trusting, relistMs: 500 });
    const watched = watchService(it, "tls.v1.Restarted");
    await watched.untilCurrent();
    await server.nodes[0]?.kill();
    await watched.until(({ state }) => state === "stale");
    await server.nodes[0]?.start();
    await watched.untilCurrent();
  });

  test.each(["native", "etcd3"] as const)(
    "by %s is reached once the certificate that it trusts has come",
    async (client) => {
      let tls: ClientTls = { ...trusting, ...strangerCertificate };
      const it = registry(server.urls, { tls: () => tls, client, relistMs: 500 });
      const watched = watchService(it, "tls.v1.Rotated");
      await watched.until(({ state }) => state === "unknown");
      tls = trusting;
      await watched.untilCurrent();
      const { registered } = it.register({ services: ["tls.v1.Rotated"], endpoint });
      await registered;
      await watched.untilCurrent(endpoint.address);
      tls = { ...trusting, ca: authority + otherAuthority };
      await it.register({ services: ["tls.v1.Rotated"], endpoint: { address: "10.0.0.2:1000" } }).registered;
      await watched.untilCurrent(endpoint.address, "10.0.0.2:1000");
    },
  );

  const host = () => new URL(server.urls[0] ?? "").host;

  test.each(
    ["native", "etcd3"].flatMap((client) => wrongs.map(([what, tls, reason]) => [client, what, tls, reason] as const)),
  )(
    "by %s is not trusted, or does not trust, with %s: it is unknown, and the reason is told in a line",
    async (client, _what, tls, reason) => {
      const at = tls === undefined ? `http://${host()}` : server.urls;
      const it = registry(at, { tls, client: client as "native" | "etcd3" });
      const snapshot = await watchService(it, "tls.v1.No").until(() => true);
      expect(snapshot).toMatchObject({ state: "unknown", endpoints: [] });
      expect(snapshot.reason).toMatch(reason);
      await expect(it.services()).rejects.toThrow(reason);
    },
  );
});

describe.each(["native", "etcd3"] as const)("by %s", (client) => {
  test("what is no etcd, but a server of HTTP/1.1, is told for one", async () => {
    const web = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
    await once(web, "listening");
    const it = etcd(`http://127.0.0.1:${(web.address() as AddressInfo).port}`, { client });
    const { reason } = await watchService(it, "tls.v1.No").until(() => true);
    expect(reason).toContain("the server speaks HTTP/1.1 and no gRPC: give the port of its gRPC");
    await it.close();
    web.close();
  });
});

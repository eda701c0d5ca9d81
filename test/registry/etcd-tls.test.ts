import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type EtcdOptions, etcd } from "../../src/registry/etcd/index.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { authority, clientCertificate, otherAuthority, strangerCertificate } from "../support/certs.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { watchService } from "../support/snapshots.ts";

const file = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const trusting = { ca: authority, ...clientCertificate, serverName: "localhost" };
const endpoint = { address: "10.0.0.1:1000" };

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

  test("is found again after a restart", async () => {
    const it = registry(server.urls, { tls: trusting, relistMs: 500 });
    const watched = watchService(it, "tls.v1.Restarted");
    await watched.untilCurrent();
    await server.nodes[0]?.kill();
    await watched.until(({ state }) => state === "stale");
    await server.nodes[0]?.start();
    await watched.untilCurrent();
  });

  test.each([
    ["an authority that did not sign its certificate", { ...trusting, ca: otherAuthority }, /certificate/],
    ["a name that it does not have", { ...trusting, serverName: "elsewhere.example" }, /not for elsewhere/],
    ["no certificate", { ca: authority, serverName: "localhost" }, /./],
    ["a certificate that it does not trust", { ...trusting, ...strangerCertificate }, /./],
  ])("is not trusted, or does not trust, with %s: unknown, with a reason", async (_what, tls, reason) => {
    const snapshot = await watchService(registry(server.urls, { tls }), "tls.v1.No").until(() => true);
    expect(snapshot).toMatchObject({ state: "unknown", endpoints: [], reason: expect.stringMatching(reason) });
  });
});

import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Call, Caller } from "../../../src/core/call.ts";
import { Code } from "../../../src/core/code.ts";
import type { ConnectOptions, ServerTls } from "../../../src/core/transport.ts";
import {
  authority,
  clientCertificate,
  elsewhereTls,
  mutualTls,
  otherAuthority,
  serverTls,
  slyCertificate,
  strangerCertificate,
} from "../../support/certs.ts";
import { createLog } from "../../support/log.ts";
import { echo, event, failure, payload, reply, type World } from "./world.ts";

const trusted = { ca: authority };

/** What is trusted, and what is not. */
export function tls(world: () => World): void {
  async function serve(server: ServerTls, address = "127.0.0.1:0") {
    const here = world();
    const seen = event<Caller | undefined>();
    const answers = {
      echo(one: { request: unknown; caller: Caller | undefined }) {
        seen.happen(one.caller);
        return reply(one.request);
      },
    };
    const listener = await here.serve(answers, { tls: server }, address);
    return { here, listener, seen };
  }

  async function refused(server: ServerTls, tls: ConnectOptions["tls"]) {
    const { here, listener } = await serve(server);
    const error = await failure(echo(here.dial(listener.address, { tls, connectTimeoutMs: 10_000 })));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    return error.message;
  }

  test("a client that trusts the server's authority is served, by IP address", async () => {
    const { here, listener, seen } = await serve(serverTls);
    expect((await echo(here.dial(listener.address, { tls: trusted }))).response).toEqual(payload("hello"));
    expect((await seen.happened)?.tls).toBeUndefined();
  });

  test("a client that trusts the server's authority is served, by host name", async () => {
    const { here, listener } = await serve(serverTls, "localhost:0");
    expect((await echo(here.dial(listener.address, { tls: trusted }))).response).toEqual(payload("hello"));
  });

  test("an encrypted key is opened by its passphrase, on either side", async () => {
    const locked = <T extends { readonly key?: string | Uint8Array | undefined }>(tls: T) => {
      const cipher = { cipher: "aes-256-cbc", passphrase: "open sesame" };
      const key = createPrivateKey(tls.key as string).export({ type: "pkcs8", format: "pem", ...cipher });
      return { ...tls, key: key.toString(), passphrase: "open sesame" };
    };
    const { here, listener, seen } = await serve(locked(mutualTls));
    await echo(here.dial(listener.address, { tls: { ...trusted, ...locked(clientCertificate) } }));
    expect((await seen.happened)?.tls).toBeDefined();
  });

  test("a server whose authority is not trusted is refused", async () => {
    expect(await refused(serverTls, { ca: otherAuthority })).toContain("not signed by a trusted authority");
  });

  test("a server that the system's authorities do not know is refused", async () => {
    expect(await refused(serverTls, {})).toContain("not signed by a trusted authority");
  });

  test("a certificate for another name is refused, and both names are told", async () => {
    const message = await refused(elsewhereTls, trusted);
    expect(message).toContain("elsewhere.example");
    expect(message).toContain("127.0.0.1");
  });

  test("serverName is the name that is verified", async () => {
    const { here, listener } = await serve(elsewhereTls);
    const peer = here.dial(listener.address, { tls: { ...trusted, serverName: "elsewhere.example" } });
    expect((await echo(peer)).response).toEqual(payload("hello"));
    expect(await refused(serverTls, { ...trusted, serverName: "elsewhere.example" })).toContain("elsewhere.example");
  });

  test("with mutual TLS the handler sees whose certificate it was", async () => {
    const { here, listener, seen } = await serve(mutualTls);
    await echo(here.dial(listener.address, { tls: { ...trusted, ...clientCertificate } }));
    const caller = (await seen.happened)?.tls;
    expect(caller?.subject).toEqual({ O: "Trunkline", CN: "a client" });
    expect(caller?.alternativeNames).toEqual(["DNS:client.example", "URI:spiffe://example/client"]);
    expect(caller?.fingerprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  test("what a certificate says cannot be taken for more than one name", async () => {
    const { here, listener, seen } = await serve(mutualTls);
    await echo(here.dial(listener.address, { tls: { ...trusted, ...slyCertificate } }));
    const caller = (await seen.happened)?.tls;
    expect(caller?.subject).toEqual({ O: "Ops, CN=root", OU: ["one", "two"], CN: "mallory, O=Trunkline" });
    expect(caller?.alternativeNames).toEqual(["URI:spiffe://example/a, DNS:admin.example", "DNS:sly.example"]);
  });

  test("over a Unix socket each handler sees its own caller's certificate", async () => {
    const here = world();
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    here.after(() => rmSync(folder, { recursive: true, force: true }));
    const name = ({ caller }: Call) => reply(payload(caller?.tls?.subject.CN as string));
    const { address } = await here.serve({ echo: name }, { tls: mutualTls }, `unix:${join(folder, "tls.sock")}`);
    const first = here.dial(address, { tls: { ...trusted, ...clientCertificate } });
    const second = here.dial(address, { tls: { ...trusted, ...slyCertificate } });
    for (const [peer, who] of [
      [first, "a client"],
      [second, "mallory, O=Trunkline"],
      [first, "a client"],
    ] as const) {
      expect((await echo(peer)).response).toEqual(payload(who));
    }
    await second.close();
    expect((await echo(first)).response).toEqual(payload("a client"));
  });

  test("with mutual TLS a client without a certificate is refused", async () => {
    await refused(mutualTls, trusted);
    // A connection that is cut may lose the server's last word on the way.
    await expect
      .poll(() => refused(mutualTls, trusted), { timeout: 10_000 })
      .toContain("asks for a client certificate");
  });

  test("with mutual TLS a client whose authority is not trusted is refused", async () => {
    await refused(mutualTls, { ...trusted, ...strangerCertificate });
  });

  test("a client without TLS is not served", async () => {
    await refused(serverTls, undefined);
  });

  test("whose handshake failed, where and why, is in the server's log", async () => {
    const here = world();
    const log = createLog();
    const { address } = await here.serve({}, { tls: serverTls, logger: log });
    await failure(echo(here.dial(address, { tls: { ca: otherAuthority } })));
    await log.until("TLS handshake failed");
    const [line] = log.of("warn");
    expect(line?.fields).toMatchObject({ address });
    expect(line?.fields.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(line?.fields.reason).not.toContain("the client's certificate");
  });

  test("a server without TLS is refused", async () => {
    const here = world();
    const listener = await here.serve();
    const error = await failure(echo(here.dial(listener.address, { tls: trusted, connectTimeoutMs: 10_000 })));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
  });

  test("a client that was refused does not disturb the others", async () => {
    const { here, listener } = await serve(mutualTls);
    const good = here.dial(listener.address, { tls: { ...trusted, ...clientCertificate } });
    await echo(good);
    await failure(echo(here.dial(listener.address, { tls: trusted })));
    await echo(good);
  });
}

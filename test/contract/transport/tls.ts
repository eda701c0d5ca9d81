import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
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
    expect(await refused(serverTls, { ca: otherAuthority })).toMatch(
      /the server's certificate is not signed by a trusted authority \(\w+\): give the one that signed it as tls\.ca$/,
    );
  });

  test("a server that the system's authorities do not know is refused", async () => {
    expect(await refused(serverTls, {})).toContain("not signed by a trusted authority");
  });

  test("a certificate for another name is refused, and both names are told", async () => {
    expect(await refused(elsewhereTls, trusted)).toMatch(
      /the server's certificate is for DNS:elsewhere\.example, not for 127\.0\.0\.1: give a name that is in it as tls\.serverName$/,
    );
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

  test("with mutual TLS a client without a certificate is refused, and told why", async () => {
    expect(await refused(mutualTls, trusted)).toMatch(
      /the server turns this client away, since the client shows no certificate: look at tls\.cert and tls\.key$/,
    );
  });

  test("with mutual TLS a client whose authority is not trusted is refused, and told why", async () => {
    expect(await refused(mutualTls, { ...trusted, ...strangerCertificate })).toMatch(
      /since the client's certificate is not accepted: it is not signed by a trusted authority \(\w+\): look at tls\.cert/,
    );
  });

  test("with mutual TLS of a server that is none of ours a client learns as much", async () => {
    const options = { ...mutualTls, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["h2"] } as TlsOptions;
    const address = await listening(createTlsServer(options, (socket) => socket.on("error", () => {})));
    expect(await failing(address, trusted)).toContain("the server asks for a client certificate (");
    const stranger = await failing(address, { ...trusted, ...strangerCertificate });
    expect(stranger).toContain(
      "the server closed the connection after the TLS handshake: perhaps it does not accept tls",
    );
    const old = await listening(createTlsServer({ ...options, maxVersion: "TLSv1.2" }));
    expect(await failing(old, trusted)).toContain("perhaps it asks for a client certificate: tls.cert and tls.key");
    expect(await failing(old, { ...trusted, ...strangerCertificate })).toContain(
      "does not accept the client's certificate",
    );
  });

  test("a client without TLS is told that the server may expect it", async () => {
    expect(await refused(serverTls, undefined)).toMatch(
      /the server closed the connection without a word: perhaps it expects TLS \(give tls\)$/,
    );
  });

  test("a server that answers in TLS, or says that it is one of HTTPS, is known for one", async () => {
    const text = "HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port\r\n";
    for (const words of ["\x15\x03\x01\x00\x02\x02\x46", text]) {
      const address = await listening(createTcpServer((socket) => socket.on("error", () => {}).end(words, "latin1")));
      expect(await failing(address, undefined)).toContain("the server expects TLS: give tls");
    }
  });

  test("a server of HTTP/1.1 is known for one, with TLS or without", async () => {
    const plain = await listening(createHttpServer((_, response) => response.end("hello")));
    expect(await failing(plain, undefined)).toContain(
      "the server speaks HTTP/1.1 and no gRPC: give the port of its gRPC",
    );
    expect(await failing(plain, trusted)).toMatch(/the server does not speak TLS \(\w+\): leave tls out/);
    const secure = await listening(
      createHttpsServer(serverTls as ServerOptions, (_, response) => response.end("hello")),
    );
    expect(await failing(secure, trusted)).toContain("the server does not offer HTTP/2 over TLS (ALPN h2)");
  });

  async function listening(server: Server): Promise<string> {
    server.on("error", () => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    world().after(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function failing(address: string, tls: ConnectOptions["tls"]): Promise<string> {
    const error = await failure(echo(world().dial(address, { tls, connectTimeoutMs: 10_000 })));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true, local: false });
    return error.message;
  }

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
    expect(error.message).toMatch(/the server does not speak TLS \(\w+\): leave tls out, or give the port that does$/);
  });

  test("a client that was refused does not disturb the others", async () => {
    const { here, listener } = await serve(mutualTls);
    const good = here.dial(listener.address, { tls: { ...trusted, ...clientCertificate } });
    await echo(good);
    await failure(echo(here.dial(listener.address, { tls: trusted })));
    await echo(good);
  });
}

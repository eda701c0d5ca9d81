import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { createChannel, createClient, createServer, RpcError } from "trunkline";
import { afterEach, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import type { ClientTls, ServerTls } from "../../src/core/transport.ts";
import { connectReason } from "../../src/transport/connect-reason.ts";
import { listenReason } from "../../src/transport/listen-reason.ts";
import {
  authority,
  clientCertificate,
  elsewhereTls,
  expiredClientCertificate,
  expiredTls,
  mutualTls,
  otherAuthority,
  serverTls,
  strangerCertificate,
} from "../support/certs.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { createSilentServer } from "../support/silent-server.ts";
import { wires } from "../support/wires.ts";

// The tables of docs/errors.md are read from the page, and each of their rows comes about.

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");

/** The rows of a section's tables, in their order: what is wrong, and what is said. */
function rowsOf(from: string, to: string): (readonly [what: string, said: string])[] {
  const section = page.slice(page.indexOf(from), page.indexOf(to) < 0 ? undefined : page.indexOf(to));
  return [...section.matchAll(/^\| ([^|]+) \| `([^`|]+)` \|$/gm)].map(
    ([, what = "", said = ""]) => [what, said] as const,
  );
}

const LISTENING = "And why a server cannot listen";
const connecting = rowsOf("## Why there is no connection", LISTENING);
const listening = rowsOf(LISTENING, "\n## Wrong inputs");

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function bound(server: Server): Promise<string> {
  server.on("error", () => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ours(tls: ServerTls): Promise<string> {
  const server = createServer({ tls }).add(Greeter, greetings);
  closers.push(() => server.close());
  return server.listen("127.0.0.1:0");
}

const saying = (words: string) => () =>
  bound(createTcpServer((socket) => socket.on("error", () => {}).end(words, "latin1")));
const strangersTls = { ...mutualTls, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["h2"] };
const mutualOfOthers = () => bound(createTlsServer(strangersTls as object, (socket) => socket.on("error", () => {})));
const web = () => bound(createHttpServer((_, response) => response.end("hello")));
const secureWeb = () => bound(createHttpsServer(serverTls as object, (_, response) => response.end("hello")));
const trusting = { ca: authority };

async function silent(): Promise<string> {
  const server = await createSilentServer();
  closers.push(() => server.close());
  return server.address;
}

/** How the rows that are made with sockets come about, in the order of the page; the others by the system's code. */
const ways: readonly (readonly [serve: () => Promise<string>, tls?: ClientTls] | string)[] = [
  [async () => `127.0.0.1:${await freePort()}`],
  "ENOTFOUND",
  "ENETUNREACH",
  "EACCES",
  "EMFILE",
  "ENFILE",
  "EADDRNOTAVAIL",
  [saying("HTTP/1.1 400 Bad Request\r\n\r\n"), trusting],
  [saying("\x15\x03\x01\x00\x02\x02\x46")],
  [() => ours(serverTls)],
  [web],
  [secureWeb, trusting],
  [saying("SSH-2.0-OpenSSH\r\n")],
  [() => ours(serverTls), { ca: otherAuthority }],
  [() => ours(elsewhereTls), trusting],
  [() => ours(expiredTls), trusting],
  [() => ours(mutualTls), trusting],
  [() => ours(mutualTls), { ...trusting, ...strangerCertificate }],
  [() => ours(mutualTls), { ...trusting, ...expiredClientCertificate }],
  [mutualOfOthers, trusting],
  [mutualOfOthers, { ...trusting, ...strangerCertificate }],
  [silent],
];

const overSockets = wires.filter(([name]) => name !== "memory");

describe.each(overSockets)("over %s a call says, as docs/errors.md has it, what is wrong:", (_name, wire) => {
  test("each row comes about in a way", () => expect(ways).toHaveLength(connecting.length));

  test.each(connecting.map(([what, said], i) => [what, said, ways[i]] as const))("%s", async (_what, said, way) => {
    if (way === undefined) return;
    if (typeof way === "string") {
      expect(connectReason(Object.assign(new Error(), { code: way }))).toBe(said);
      return;
    }
    const [serve, tls] = way;
    const connectTimeoutMs = serve === silent ? 500 : 20_000;
    const channel = createChannel({ endpoints: [await serve()], transport: wire(), tls, connectTimeoutMs });
    closers.push(() => channel.close());
    const call = createClient(Greeter, channel).sayHello({ name: "you" }, { timeoutMs: 30_000 });
    const { message } = await call.then(() => expect.fail("it was answered"), RpcError.from);
    expect(message).toBe(`no endpoint of greeter.v1.Greeter is ready (1 known, 1 not connected: ${said})`);
  });
});

describe("a server says, as docs/errors.md has it, why it cannot listen:", () => {
  const codes = [
    ["EADDRINUSE", "127.0.0.1", 50051],
    ["EACCES", "127.0.0.1", 80],
    ["EADDRNOTAVAIL", "192.0.2.1", 50051],
    ["ENOTFOUND", "nowhere", 50051],
  ] as const;

  test("each row has its code", () => expect(codes).toHaveLength(listening.length));

  test.each(listening.map(([what, said], i) => [what, said, codes[i]] as const))("%s", (_what, said, given) => {
    const [code, host, port] = given ?? ["", "", 0];
    expect(listenReason(Object.assign(new Error(), { code }), { host, port })).toBe(said);
  });
});

test("a client with the right certificate is served", async () => {
  await using channel = createChannel({
    endpoints: [await ours(mutualTls)],
    tls: { ...trusting, ...clientCertificate },
  });
  expect(await createClient(Greeter, channel).sayHello({ name: "you" })).toEqual({ message: "Hello you" });
});

import { once } from "node:events";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { createChannel, createClient, createServer } from "trunkline";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import type { ClientTls, ServerTls } from "../../src/core/transport.ts";
import { bind } from "../../src/transport/bind.ts";
import { dial } from "../../src/transport/http2/dial.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { callerTls } from "../../src/transport/tls.ts";
import { createTlsSessions, type TlsSessions } from "../../src/transport/tls-sessions.ts";
import {
  authority,
  clientCertificate,
  mutualTls,
  otherAuthority,
  serverTls,
  slyCertificate,
} from "../support/certs.ts";
import { greetings } from "../support/greeter.ts";

/** A server of ours, and what it saw of each connection. */
async function serve(tls: ServerTls) {
  const seen: { readonly reused: boolean; readonly caller: ReturnType<typeof callerTls> }[] = [];
  const port = await bind("127.0.0.1:0", { tls }, (socket) => {
    seen.push({ reused: (socket as TLSSocket).isSessionReused(), caller: callerTls(socket as TLSSocket) });
    socket.resume();
  });
  return {
    address: port.address,
    seen,
    async [Symbol.asyncDispose]() {
      port.stop();
      for (const socket of port.sockets) socket.destroy();
      await port.closed;
    },
  };
}

/** Connects, waits for the session that comes of a full handshake, and hangs up. Tells whether it began with one. */
async function connect(sessions: TlsSessions, address: string, tls: ClientTls): Promise<boolean> {
  const session = sessions.of(address, tls);
  const socket = (await dial(address, tls, AbortSignal.timeout(5_000), () => {}, session)) as TLSSocket;
  const reused = socket.isSessionReused();
  if (!reused && sessions.of(address, tls).ticket === session.ticket) await once(socket, "session");
  const closed = once(socket, "close");
  socket.end();
  await closed;
  return reused;
}

const trusting: ClientTls = { ca: authority };

test("a second connection to a server begins with the session of the first, and so does a third", async () => {
  await using server = await serve(serverTls);
  const sessions = createTlsSessions();
  expect(await connect(sessions, server.address, trusting)).toBe(false);
  expect(await connect(sessions, server.address, { ...trusting })).toBe(true);
  expect(await connect(sessions, server.address, trusting)).toBe(true);
  expect(server.seen.map(({ reused }) => reused)).toEqual([false, true, true]);
});

test("the server knows its caller by the certificate of a session too", async () => {
  await using server = await serve(mutualTls);
  const sessions = createTlsSessions();
  const tls = { ...trusting, ...clientCertificate };
  expect(await connect(sessions, server.address, tls)).toBe(false);
  expect(await connect(sessions, server.address, tls)).toBe(true);
  const [first, second] = server.seen;
  expect(first?.caller?.subject).toMatchObject({ CN: "a client" });
  expect(second?.caller).toEqual(first?.caller);
});

test.each<[what: string, tls: ClientTls]>([
  ["a certificate", { ...trusting, ...slyCertificate }],
  ["no certificate", trusting],
  ["other authorities", { ca: `${authority}\n${otherAuthority}`, ...clientCertificate }],
  ["another name", { ...trusting, ...clientCertificate, serverName: "localhost" }],
])("a session is not offered with %s", async (_what, tls) => {
  await using server = await serve(serverTls);
  const sessions = createTlsSessions();
  await connect(sessions, server.address, { ...trusting, ...clientCertificate });
  expect(sessions.of(server.address, tls).ticket).toBeUndefined();
  expect(await connect(sessions, server.address, tls)).toBe(false);
});

test("a session is not offered where another server is expected at the address", () => {
  const sessions = createTlsSessions();
  sessions.of("server:443", trusting, "one").keep(Buffer.from("ticket"), false);
  expect(sessions.of("server:443", trusting, "other").ticket).toBeUndefined();
  expect(sessions.of("server:443", trusting).ticket).toBeUndefined();
  expect(sessions.of("server:443", trusting, "one").ticket).toBeDefined();
});

test("a server that cannot be verified is not, with a session of one that could", async () => {
  await using server = await serve(serverTls);
  const sessions = createTlsSessions();
  await connect(sessions, server.address, trusting);
  const stranger = { ca: authority, serverName: "elsewhere.example" };
  await expect(connect(sessions, server.address, stranger)).rejects.toThrow("elsewhere.example");
  await expect(connect(sessions, server.address, { ca: otherAuthority })).rejects.toThrow();
});

test("a server that takes a session no longer costs a full handshake", async () => {
  const before = await serve(serverTls);
  const { address } = before;
  const sessions = createTlsSessions();
  await connect(sessions, address, trusting);
  await before[Symbol.asyncDispose]();
  // Another process would have other keys for its tickets, as another server has.
  const port = await bind(address, { tls: serverTls }, (socket) => void socket.resume());
  expect(sessions.of(address, trusting).ticket).toBeDefined();
  expect(await connect(sessions, address, trusting)).toBe(false);
  expect(await connect(sessions, address, trusting)).toBe(true);
  port.stop();
  for (const socket of port.sockets) socket.destroy();
});

test("certificates are looked at again after an hour, however often a session was used", async () => {
  await using server = await serve(serverTls);
  let time = 0;
  const sessions = createTlsSessions({ now: () => time });
  expect(await connect(sessions, server.address, trusting)).toBe(false);
  time = 3_500_000;
  expect(await connect(sessions, server.address, trusting)).toBe(true);
  time = 3_700_000;
  expect(await connect(sessions, server.address, trusting)).toBe(false);
  time = 7_000_000;
  expect(await connect(sessions, server.address, trusting)).toBe(true);
});

test("the sessions of a thousand servers are kept, the newest, and none that is large", () => {
  const sessions = createTlsSessions();
  const of = (i: number) => sessions.of(`server-${i}:443`, trusting);
  for (let i = 0; i < 1_001; i++) of(i).keep(Buffer.from(`${i}`), false);
  expect(of(0).ticket).toBeUndefined();
  expect(of(1).ticket?.toString()).toBe("1");
  expect(of(1_000).ticket?.toString()).toBe("1000");
  of(1_000).keep(Buffer.alloc(20_000), false);
  expect(of(1_000).ticket?.toString()).toBe("1000");
});

test("a session is forgotten with which nothing came about, unless a newer one came", () => {
  const sessions = createTlsSessions();
  const of = () => sessions.of("server:443", trusting);
  of().keep(Buffer.from("first"), false);
  const unlucky = of();
  of().keep(Buffer.from("second"), false);
  unlucky.drop();
  expect(of().ticket?.toString()).toBe("second");
  of().drop();
  expect(of().ticket).toBeUndefined();
});

test.each(["TLSv1.2", "TLSv1.3"] as const)("a peer connects anew by a session, over %s", async (version) => {
  const reused: boolean[] = [];
  const open = new Set<ServerHttp2Session>();
  const server = createSecureServer({ cert: `${serverTls.cert}`, key: `${serverTls.key}`, maxVersion: version });
  server.on("secureConnection", (socket: TLSSocket) => reused.push(socket.isSessionReused()));
  server.on("session", (session) => {
    open.add(session);
    // It goes away politely after each call.
    session.on("stream", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
      session.close();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await using channel = createChannel({ endpoints: [`127.0.0.1:${port}`], tls: trusting });
  const greeter = createClient(Greeter, channel);
  for (let i = 0; i < 4; i++) await greeter.sayHello({});
  await channel.close();
  server.close();
  for (const session of open) session.destroy();
  expect(reused.length).toBeGreaterThanOrEqual(4);
  expect(reused.slice(0, 4)).toEqual([false, true, true, true]);
});

test("channels over one transport share its sessions, and a handler knows the caller all the same", async () => {
  const callers: unknown[] = [];
  const server = createServer({ tls: mutualTls });
  server.add(Greeter, {
    ...greetings,
    sayHello(_request, { peer }) {
      callers.push(peer.tls);
      return {};
    },
  });
  const address = await server.listen("127.0.0.1:0");
  const transport = http2();
  for (let i = 0; i < 2; i++) {
    await using channel = createChannel({
      endpoints: [address],
      transport,
      tls: { ...trusting, ...clientCertificate },
    });
    await createClient(Greeter, channel).sayHello({});
  }
  await server.close({ timeoutMs: 0 });
  expect(callers[0]).toMatchObject({ subject: { CN: "a client" } });
  expect(callers[1]).toEqual(callers[0]);
});

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { Code } from "../../../src/core/code.ts";
import { ErrorCode, FrameType, readUint32 } from "../../../src/transport/http2/frame.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { createWorld, echo, failure } from "../../contract/transport/world.ts";
import { authority, serverTls } from "../../support/certs.ts";
import { rawClient, rawServer, rawSocket } from "./raw-peer.ts";

const world = createWorld(() => ({ transport: http2() }));

test("a connection that is refused at the door learns why: GOAWAY with ENHANCE_YOUR_CALM", async () => {
  const listener = await world().serve({}, { maxConnections: 1 });
  const first = http2().connect({ address: listener.address }, {});
  await echo(first);
  const client = await rawClient(listener.address);
  const { payload } = await client.frame(({ type }) => type === FrameType.GOAWAY);
  expect(readUint32(payload, 4)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  expect(payload.toString("latin1", 8)).toBe("1 connections are open");
  await client.closed;
  const second = http2().connect({ address: listener.address }, {});
  const error = await failure(echo(second));
  expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
  expect(error.message).toContain("the server goes away (ENHANCE_YOUR_CALM: 1 connections are open)");
  await echo(first);
  await Promise.all([first.close(), second.close()]);
});

test("those that are refused hold nothing: however many come and do not go, all are closed", async () => {
  const listener = await world().serve({}, { maxConnections: 1 });
  const first = http2().connect({ address: listener.address }, {});
  await echo(first);
  const refused = await Promise.all(Array.from({ length: 100 }, () => rawSocket(listener.address)));
  for (const { socket } of refused) socket.write(Buffer.alloc(100));
  await Promise.all(refused.map(({ closed }) => closed));
  await echo(first);
  await first.close();
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["half of its SETTINGS", Buffer.from([0, 0, 6, FrameType.SETTINGS, 0, 0, 0, 0, 0, 0])],
] as const)("a server that sends %s is given up when the time to connect is over", async (_what, bytes) => {
  const closed = Promise.withResolvers<void>();
  const server = await rawServer((peer) => {
    peer.socket.write(bytes);
    void peer.closed.then(closed.resolve);
  }, true);
  const peer = http2().connect({ address: server.address }, { connectTimeoutMs: 100 });
  const error = await failure(echo(peer));
  expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
  expect(error.message).toContain("no connection within 100 ms");
  await closed.promise;
  await Promise.all([peer.close(), server.close()]);
});

test("a server that takes the TLS handshake and sends no SETTINGS is given up as well", async () => {
  const server = createServer({ cert: serverTls.cert as string, key: serverTls.key as string, ALPNProtocols: ["h2"] });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const taken = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const peer = http2().connect({ address }, { connectTimeoutMs: 1000, tls: { ca: authority } });
  const call = failure(echo(peer));
  const [socket] = await taken;
  socket.on("error", () => {}).resume();
  const closed = once(socket, "close");
  expect((await call).message).toContain("no connection within 1000 ms");
  await closed;
  await peer.close();
  server.close();
});

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as secureConnect } from "node:tls";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../../src/core/endpoint.ts";
import type { ListenOptions } from "../../../src/core/transport.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { createWorld, echo } from "../../contract/transport/world.ts";
import { authority, mutualTls, serverTls } from "../../support/certs.ts";
import { createLog } from "../../support/log.ts";

const world = createWorld(() => ({ transport: http2({ handshakeTimeoutMs: 300 }) }));

async function serve(options: ListenOptions = {}) {
  const log = createLog();
  const listener = await world().serve({}, { logger: log, ...options });
  return { log, to: parseAddress(listener.address), listener };
}

/** However it comes about. */
function closing(socket: Socket): Promise<unknown> {
  return new Promise((closed) => socket.once("close", closed));
}

type To = { readonly host: string; readonly port: number };

/** All that the server says to these words until it closes the connection, and closes it must. */
async function answerTo(to: To, ...words: string[]): Promise<string> {
  return heard(connect(to), words);
}

async function secureAnswerTo(to: To, words: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = secureConnect({ ...to, ca: authority as string, ...options });
  await once(socket, "secureConnect");
  return heard(socket, [words]);
}

async function heard(socket: Socket, words: readonly string[]): Promise<string> {
  let text = "";
  socket.on("error", () => {});
  socket.setEncoding("latin1").on("data", (part: string) => {
    text += part;
  });
  const closed = closing(socket);
  for (const word of words) {
    socket.write(word);
    await new Promise(setImmediate);
  }
  await closed;
  return text;
}

const plainAnswer = /^HTTP\/1\.1 400 Bad Request\r\n(?:[^\r\n]+\r\n)+\r\nThis is a gRPC server\. [\s\S]*\n$/;

describe("HTTP/1.1 is answered in its own words", () => {
  test.each([
    "GET / HTTP/1.1\r\nHost: here\r\n\r\n",
    "GET /health HTTP/1.0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /a HTTP/1.1\r\nHost: here\r\n\r\n",
    "GET / HTTP/1.1\nHost: here\n\n",
  ])("%j", async (request) => {
    const { to } = await serve();
    expect(await answerTo(to, request)).toMatch(plainAnswer);
  });

  test("byte by byte", async () => {
    const { to } = await serve();
    expect(await answerTo(to, ..."GET / HTTP/1.1\r\nHost: here\r\n\r\n")).toMatch(plainAnswer);
  });

  test("the length that it names is that of the text", async () => {
    const { to } = await serve();
    const answer = await answerTo(to, "GET / HTTP/1.1\r\n\r\n");
    const [head = "", text = ""] = answer.split("\r\n\r\n");
    expect(head).toContain(`content-length: ${Buffer.byteLength(text)}`);
    expect(head).toContain("connection: close");
  });

  test("HEAD has no text", async () => {
    const { to } = await serve();
    expect(await answerTo(to, "HEAD / HTTP/1.1\r\nHost: here\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [\s\S]*\r\n\r\n$/);
  });

  test("to one that closes its half at once", async () => {
    const { to } = await serve();
    const socket = connect(to);
    const answer = heard(socket, ["GET / HTTP/1.1\r\n\r\n"]);
    socket.end();
    expect(await answer).toMatch(plainAnswer);
  });

  test("by fetch", async () => {
    const { listener } = await serve();
    const response = await fetch(`http://${listener.address}/healthz`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("grpc.health.v1.Health");
  });

  test("a request that trickles is given up after handshakeTimeoutMs", async () => {
    const { to } = await serve();
    const socket = connect(to);
    socket.on("error", () => {}).resume();
    socket.write("GET / HTT");
    const drip = setInterval(() => socket.write("P"), 20);
    await closing(socket);
    clearInterval(drip);
  });

  test("what is said after it is read and thrown away", async () => {
    const { to } = await serve();
    expect(await answerTo(to, "POST / HTTP/1.1\r\n\r\n", ...Array(20).fill("x".repeat(100_000)))).toMatch(plainAnswer);
  });
});

describe("over TLS", () => {
  test("who asks for http/1.1 is answered the same, and who asks for nothing", async () => {
    const { to } = await serve({ tls: serverTls });
    const request = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
    expect(await secureAnswerTo(to, request, { ALPNProtocols: ["http/1.1"] })).toMatch(plainAnswer);
    expect(await secureAnswerTo(to, request)).toMatch(plainAnswer);
  });

  test("who offers both speaks HTTP/2", async () => {
    const { to } = await serve({ tls: serverTls });
    const socket = secureConnect({ ...to, ca: authority as string, ALPNProtocols: ["http/1.1", "h2"] });
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe("h2");
    socket.destroy();
  });

  test("HTTP/2 that was not asked for is refused in HTTP/2", async () => {
    const { to, log } = await serve({ tls: serverTls });
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    expect(await secureAnswerTo(to, preface)).toContain("did not ask for HTTP/2 over TLS (ALPN h2)");
    expect(log.of("warn")[0]?.fields.reason).toContain("ALPN h2");
  });
});

describe("the log tells of one that means another port once in a while", () => {
  test("TLS at a server without it", async () => {
    const { to, log, listener } = await serve();
    for (let i = 0; i < 3; i++) {
      const socket = secureConnect(to);
      await closing(socket.on("error", () => {}));
    }
    const peer = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    const reason = expect.stringContaining("it speaks TLS, and this server does not");
    expect(log.of()).toMatchObject([{ level: "warn", fields: { address: listener.address, peer, reason } }]);
    await echo(world().dial(listener.address));
  });

  test("no TLS at a server that has it", async () => {
    const { to, log, listener } = await serve({ tls: serverTls });
    for (const words of ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"]) {
      await answerTo(to, words);
    }
    const reason = expect.stringContaining("the client does not speak TLS");
    expect(log.of()).toMatchObject([{ level: "warn", fields: { address: listener.address, reason } }]);
  });
});

describe("a client that had to show a certificate and has none", () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
  const h2 = { ALPNProtocols: ["h2"] };

  test("is not let in by a session that it resumes", async () => {
    const { to } = await serve({ tls: mutualTls });
    const first = secureConnect({ ...to, ca: authority as string, ...h2 });
    first.on("error", () => {}).resume();
    const [session] = (await once(first, "session")) as [Buffer];
    first.destroy();
    const again = secureConnect({ ...to, ca: authority as string, session, ...h2 });
    await once(again, "secureConnect");
    expect(again.isSessionReused()).toBe(true);
    expect(await heard(again, [preface])).toContain("the client shows no certificate");
  });

  test("is told so in HTTP/2", async () => {
    const { to } = await serve({ tls: mutualTls });
    expect(await secureAnswerTo(to, preface, h2)).toContain("the client shows no certificate");
  });
});

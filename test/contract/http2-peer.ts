import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Payload } from "../../gen/probe/v1/probe.ts";
import { Code } from "../../src/core/code.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { framed, rawClient, rawServer } from "../support/raw-http2.ts";
import {
  type Answers,
  cancelled,
  createWorld,
  echo,
  event,
  expand,
  failure,
  payload,
  reply,
  requests,
  responses,
  texts,
  type Wire,
  type World,
  watch,
} from "./transport/world.ts";

/** A wire against HTTP/2 as no gRPC library would speak it: what gRPC says of it, and what proxies do to it. */
export function http2PeerContract(name: string, make: () => Wire): void {
  describe(`${name} and HTTP/2`, () => {
    const world = createWorld(make);
    describe("of a client", () => clients(world));
    describe("of a server", () => servers(world));
  });
}

const hello = framed(Payload.encode(payload("hello")).finish());
const echoPath = "/probe.v1.Probe/Echo";

function clients(world: () => World): void {
  async function served(answers?: Answers, options?: { maxReceiveMessageBytes: number }) {
    const here = world();
    const { address } = await here.serve(answers, options);
    const client = rawClient(address);
    here.after(() => client.close());
    return client;
  }

  test("an answer has HTTP status 200, gRPC's content type, and its status in the trailers", async () => {
    const client = await served();
    const { headers, trailers, body } = await client.request(echoPath, [hello]);
    expect(headers[":status"]).toBe(200);
    expect(headers["content-type"]).toMatch(/^application\/grpc/);
    expect(trailers["grpc-status"]).toBe("0");
    expect(body).toEqual(hello);
  });

  test("a message may come in any number of frames, and messages may share one", async () => {
    const client = await served();
    const pieces = Array.from(hello, (byte) => Uint8Array.of(byte));
    expect((await client.request(echoPath, pieces)).body).toEqual(hello);
    const { body, trailers } = await client.request("/probe.v1.Probe/Converse", [Buffer.concat([hello, hello, hello])]);
    expect(body).toEqual(Buffer.concat([hello, hello, hello]));
    expect(trailers["grpc-status"]).toBe("0");
  });

  test("a status message is percent-encoded", async () => {
    const client = await served({
      async echo() {
        throw new RpcError(Code.NOT_FOUND, "größer: 100 %");
      },
    });
    const { trailers } = await client.request(echoPath, [hello]);
    expect(trailers["grpc-status"]).toBe(`${Code.NOT_FOUND}`);
    expect(trailers["grpc-message"]).toMatch(/^gr%C3%B6%C3%9Fer:( |%20)100( |%20)%25$/);
  });

  for (const [timeout, low, high] of [
    ["5S", 4000, 5001],
    ["5000m", 4000, 5001],
    ["5000000u", 4000, 5001],
    ["99999999n", 1, 101],
    ["2M", 110_000, 120_001],
    ["1H", 3_500_000, 3_600_001],
  ] as const) {
    test(`a grpc-timeout of ${timeout} is understood`, async () => {
      const seen = event<number>();
      const client = await served({
        echo(call) {
          seen.happen(call.remainingMs);
          return reply(call.request);
        },
      });
      await client.request(echoPath, [hello], { "grpc-timeout": timeout });
      expect(await seen.happened).toBeGreaterThan(low);
      expect(await seen.happened).toBeLessThanOrEqual(high);
    });
  }

  test("the server enforces a deadline by itself", async () => {
    const ended = event<RpcError>();
    const client = await served({
      async echo(call) {
        ended.happen(await failure(cancelled(call)));
        throw new Error("too late");
      },
    });
    const { trailers } = await client.request(echoPath, [hello], { "grpc-timeout": "50m" });
    expect(trailers["grpc-status"]).toBe(`${Code.DEADLINE_EXCEEDED}`);
    expect((await ended.happened).code).toBe(Code.DEADLINE_EXCEEDED);
  });

  test("a deadline throws to a handler that reads requests", async () => {
    const ended = event<RpcError>();
    const here = world();
    const { address } = await here.serve({
      async collect(call) {
        ended.happen(await failure(texts(requests(call))));
        return reply({ count: 0, bytes: 0n });
      },
    });
    const client = rawClient(address);
    here.after(() => client.close());
    const stream = client.session.request({
      ":method": "POST",
      ":path": "/probe.v1.Probe/Collect",
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": "50m",
    });
    stream.on("error", () => {});
    stream.write(hello);
    expect((await ended.happened).code).toBe(Code.DEADLINE_EXCEEDED);
  });

  test("what is no grpc-timeout is refused", async () => {
    const client = await served();
    const { trailers } = await client.request(echoPath, [hello], { "grpc-timeout": "soon" });
    expect(trailers["grpc-status"]).toBe(`${Code.INTERNAL}`);
  });

  test("what is not gRPC is 415", async () => {
    const client = await served();
    const { headers } = await client.request(echoPath, [hello], { "content-type": "application/json" });
    expect(headers[":status"]).toBe(415);
  });

  test("application/grpc+proto is gRPC", async () => {
    const client = await served();
    const { body } = await client.request(echoPath, [hello], { "content-type": "application/grpc+proto" });
    expect(body).toEqual(hello);
  });

  test("a length that lies is RESOURCE_EXHAUSTED, before what it promises has come", async () => {
    const client = await served({}, { maxReceiveMessageBytes: 1000 });
    const { trailers } = await client.request(echoPath, [Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3)]);
    expect(trailers["grpc-status"]).toBe(`${Code.RESOURCE_EXHAUSTED}`);
  });

  test("no message, or half of one, is an error and does not reach the handler", async () => {
    let called = false;
    const client = await served({
      echo(call) {
        called = true;
        return reply(call.request);
      },
    });
    expect((await client.request(echoPath, [])).trailers["grpc-status"]).toBe(`${Code.UNIMPLEMENTED}`);
    const half = (await client.request(echoPath, [hello.subarray(0, 8)])).trailers["grpc-status"];
    expect([`${Code.INTERNAL}`, `${Code.UNIMPLEMENTED}`]).toContain(half);
    expect(called).toBe(false);
  });

  test("a compressed message needs an encoding, and one that is known", async () => {
    const client = await served();
    const packed = framed(gzipSync(Payload.encode(payload("hello")).finish()), 1);
    const told = await client.request(echoPath, [packed], { "grpc-encoding": "gzip" });
    expect(told.trailers["grpc-status"]).toBe("0");
    const unknown = await client.request(echoPath, [packed], { "grpc-encoding": "snappy" });
    expect(unknown.trailers["grpc-status"]).toBe(`${Code.UNIMPLEMENTED}`);
    const untold = await client.request(echoPath, [packed]);
    expect(untold.trailers["grpc-status"]).toBe(`${Code.INTERNAL}`);
    const garbled = await client.request(echoPath, [framed(Buffer.from("no gzip"), 1)], { "grpc-encoding": "gzip" });
    expect(garbled.trailers["grpc-status"]).toBe(`${Code.INTERNAL}`);
    expect((await client.request(echoPath, [hello])).body).toEqual(hello);
  });

  test("a client that goes away cancels its call", async () => {
    const began = event();
    const ended = event<RpcError>();
    const client = await served({
      async echo(call) {
        began.happen();
        ended.happen(await failure(cancelled(call)));
        throw new Error("gone");
      },
    });
    const answer = client.request(echoPath, [hello]);
    await began.happened;
    client.close();
    await answer;
    expect((await ended.happened).code).toBe(Code.CANCELLED);
  });
}

type Serve = (stream: ServerHttp2Stream, path: string) => void;

const grpcHeaders = { ":status": 200, "content-type": "application/grpc" };

/** Answers with headers, messages and trailers. */
function says(trailers: OutgoingHttpHeaders, messages: readonly Uint8Array[] = [], headers = {}): Serve {
  return (stream) => {
    stream.respond({ ...grpcHeaders, ...headers }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    for (const message of messages) stream.write(message);
    stream.end();
  };
}

/** Answers with headers alone. */
function saysOnly(headers: OutgoingHttpHeaders): Serve {
  return (stream) => stream.respond(headers, { endStream: true });
}

function servers(world: () => World): void {
  async function dialled(serve: Serve) {
    const here = world();
    const server = await rawServer(serve);
    here.after(() => server.close());
    const { changed, until } = watch();
    return { peer: here.dial(server.address, { changed }), server, until };
  }

  test("an answer with trailers is one", async () => {
    const { peer } = await dialled(says({ "grpc-status": "0" }, [hello]));
    expect((await echo(peer)).response).toEqual(payload("hello"));
  });

  test("a message may come in any number of frames", async () => {
    const pieces = Array.from(hello, (byte) => Uint8Array.of(byte));
    const { peer } = await dialled(says({ "grpc-status": "0" }, pieces));
    expect((await echo(peer)).response).toEqual(payload("hello"));
  });

  test("an answer of headers alone is a status", async () => {
    const { peer } = await dialled(saysOnly({ ...grpcHeaders, "grpc-status": "5", "grpc-message": "weg", extra: "1" }));
    const error = await failure(echo(peer));
    expect(error).toMatchObject({ code: Code.NOT_FOUND, message: "weg", unprocessed: false });
    expect(error.metadata.get("extra")).toBe("1");
  });

  for (const [escaped, message] of [
    ["100%25 gr%C3%B6%C3%9Fer", "100% größer"],
    ["%zz and %", "%zz and %"],
  ] as const) {
    test(`a grpc-message of ${escaped} is understood`, async () => {
      const { peer } = await dialled(saysOnly({ ...grpcHeaders, "grpc-status": "9", "grpc-message": escaped }));
      expect((await failure(echo(peer))).message).toBe(message);
    });
  }

  test("a code that gRPC does not know is UNKNOWN", async () => {
    const { peer } = await dialled((stream, path) => {
      const status = path.endsWith("Echo") ? "99" : "what";
      saysOnly({ ...grpcHeaders, "grpc-status": status, "grpc-message": "odd" })(stream, path);
    });
    expect(await failure(echo(peer))).toMatchObject({ code: Code.UNKNOWN, message: "odd" });
    expect((await failure(expand(peer))).code).toBe(Code.UNKNOWN);
  });

  test("details that are none leave the status as it is", async () => {
    const headers = { ...grpcHeaders, "grpc-status": "9", "grpc-message": "m", "grpc-status-details-bin": "////" };
    const { peer } = await dialled(saysOnly(headers));
    expect(await failure(echo(peer))).toMatchObject({ code: Code.FAILED_PRECONDITION, message: "m", details: [] });
  });

  for (const [status, code] of [
    [400, Code.INTERNAL],
    [401, Code.UNAUTHENTICATED],
    [403, Code.PERMISSION_DENIED],
    [404, Code.UNIMPLEMENTED],
    [429, Code.UNAVAILABLE],
    [502, Code.UNAVAILABLE],
    [503, Code.UNAVAILABLE],
    [504, Code.UNAVAILABLE],
    [500, Code.UNKNOWN],
  ] as const) {
    test(`a proxy's HTTP ${status} is the code that gRPC gives it`, async () => {
      const { peer } = await dialled((stream) => {
        stream.respond({ ":status": status, "content-type": "text/html" });
        stream.end("<html>no</html>");
      });
      const error = await failure(echo(peer));
      expect(error).toMatchObject({ code, unprocessed: false });
      expect(error.message).toContain(`${status}`);
    });
  }

  test("an answer without a status is an error", async () => {
    const { peer } = await dialled((stream) => {
      stream.respond(grpcHeaders);
      stream.end(hello);
    });
    expect([Code.UNKNOWN, Code.INTERNAL]).toContain((await failure(echo(peer))).code);
  });

  test("an answer that breaks off in the middle of a message is an error", async () => {
    const { peer } = await dialled(says({ "grpc-status": "0" }, [hello.subarray(0, 8)]));
    expect([Code.UNIMPLEMENTED, Code.INTERNAL]).toContain((await failure(echo(peer))).code);
  });

  test("a length that lies is RESOURCE_EXHAUSTED, before what it promises has come", async () => {
    const { peer } = await dialled((stream) => {
      stream.respond(grpcHeaders);
      stream.write(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1));
    });
    expect((await failure(echo(peer))).code).toBe(Code.RESOURCE_EXHAUSTED);
  });

  test("a compressed answer is unpacked, within the limit", async () => {
    const packed = framed(gzipSync(Payload.encode(payload("hello")).finish()), 1);
    const bomb = framed(gzipSync(Payload.encode(payload("", 5_000_000)).finish()), 1);
    const { peer } = await dialled((stream, path) => {
      const message = path.endsWith("Echo") ? packed : bomb;
      says({ "grpc-status": "0" }, [message], { "grpc-encoding": "gzip" })(stream, path);
    });
    expect((await echo(peer)).response).toEqual(payload("hello"));
    const reading = async (): Promise<unknown> => texts(responses(await expand(peer)));
    expect((await failure(reading())).code).toBe(Code.RESOURCE_EXHAUSTED);
  });

  for (const [reset, code, unprocessed] of [
    ["REFUSED_STREAM", Code.UNAVAILABLE, true],
    ["CANCEL", Code.CANCELLED, false],
    ["ENHANCE_YOUR_CALM", Code.RESOURCE_EXHAUSTED, false],
    ["INADEQUATE_SECURITY", Code.PERMISSION_DENIED, false],
    ["INTERNAL_ERROR", Code.INTERNAL, false],
    ["PROTOCOL_ERROR", Code.INTERNAL, false],
  ] as const) {
    test(`a stream that is reset with ${reset} is the code that gRPC gives it`, async () => {
      const { peer } = await dialled((stream) => stream.close(constants[`NGHTTP2_${reset}`]));
      expect(await failure(echo(peer))).toMatchObject({ code, unprocessed });
      expect(peer.ready).toBe(true);
    });
  }

  test("a handler's own words about refused streams do not make a call look unprocessed", async () => {
    const forged = { ...grpcHeaders, "grpc-status": "14", "grpc-message": "Stream refused by server" };
    const { peer } = await dialled(saysOnly(forged));
    expect(await failure(echo(peer))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: false });
  });

  test("a server that goes lets what it has taken finish", async () => {
    const taken = event<ServerHttp2Stream>();
    const { peer, server, until } = await dialled((stream) => taken.happen(stream));
    const result = echo(peer);
    const stream = await taken.happened;
    server.session.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
    await until(() => !peer.ready);
    says({ "grpc-status": "0" }, [hello])(stream, echoPath);
    expect((await result).response).toEqual(payload("hello"));
  });

  test("a connection that breaks without a word is UNAVAILABLE", async () => {
    const { peer, server, until } = await dialled(() => server.session.destroy());
    expect(await failure(echo(peer))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: false });
    await until(() => peer.ready);
  });
}

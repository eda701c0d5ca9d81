import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { Status } from "../../gen/google/rpc/status.ts";
import type { CollectReply, ExpandRequest } from "../../gen/probe/v1/probe.ts";
import { Payload } from "../../gen/probe/v1/probe.ts";
import { Code } from "../../src/core/code.ts";
import { deadlineAfter } from "../../src/core/deadline.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { detail, RpcError } from "../../src/core/rpc-error.ts";
import { type ProbeClient, probeClient, probeServer } from "../support/grpc-js.ts";
import {
  type Answers,
  cancelled,
  collect,
  converse,
  createWorld,
  echo,
  event,
  expand,
  failure,
  payload,
  reply,
  responses,
  texts,
  type Wire,
  type World,
  watch,
} from "./transport/world.ts";

/** A wire against plain grpc-js, as its users have it, on the other side. */
export function grpcJsPeerContract(name: string, make: () => Wire, tls = false): void {
  describe(`${name} and grpc-js`, () => {
    const world = createWorld(make);
    describe("a grpc-js client", () => clients(world, tls));
    describe("a grpc-js server", () => servers(world, tls));
  });
}

function clients(world: () => World, tls: boolean): void {
  async function served(answers?: Answers, options: grpc.ClientOptions = {}): Promise<ProbeClient> {
    const here = world();
    const { address } = await here.serve(answers);
    // grpc-js sends an IP address as a server name, which Node refuses.
    const client = probeClient(tls ? address.replace("127.0.0.1", "localhost") : address, options, tls);
    here.after(() => client.close());
    return client;
  }

  test("is served in all four shapes", async () => {
    const client = await served();
    const message = { text: "grüße", data: Uint8Array.of(0, 255) };
    expect(await unary(client, message)).toEqual(message);
    expect(await texts(client.expand({ count: 50, size: 10, delayMs: 0 }))).toHaveLength(50);
    const { stream, answer } = collecting(client);
    for (let i = 0; i < 20; i += 1) stream.write(payload("", 10));
    stream.end();
    expect(await answer).toEqual({ count: 20, bytes: 200n });
    const conversation = client.converse();
    conversation.write(payload("one"));
    expect((await once(conversation, "data"))[0]).toEqual(payload("one"));
    conversation.write(payload("two"));
    expect((await once(conversation, "data"))[0]).toEqual(payload("two"));
    conversation.end();
    expect((await once(conversation, "status"))[0]).toMatchObject({ code: 0 });
  });

  test("is served many calls at once", async () => {
    const client = await served();
    const all = Array.from({ length: 200 }, (_, i) => unary(client, payload(`${i}`)));
    expect((await Promise.all(all)).map(({ text }) => text)).toEqual(all.map((_, i) => `${i}`));
  });

  test("sends and receives metadata", async () => {
    const client = await served({
      echo: (call) => reply(call.request, call.metadata.without("user-agent"), Metadata.from({ last: "2" })),
    });
    const sent = new grpc.Metadata();
    sent.set("tenant", "acme");
    sent.add("trace-bin", Buffer.from([1, 2]));
    sent.add("trace-bin", Buffer.from([3]));
    const call = client.echo(payload(), sent, {}, () => {});
    const [header] = (await once(call, "metadata")) as [grpc.Metadata];
    expect(header.get("tenant")).toEqual(["acme"]);
    expect(header.get("trace-bin")).toEqual([Buffer.from([1, 2]), Buffer.from([3])]);
    const [status] = (await once(call, "status")) as [grpc.StatusObject];
    expect(status.metadata.get("last")).toEqual(["2"]);
  });

  test("receives a status with its message and its details", async () => {
    const details = [detail(Payload, { text: "more" })];
    const metadata = Metadata.from({ "retry-after": "3" });
    const client = await served({
      async echo() {
        throw new RpcError(Code.NOT_FOUND, "100 % weg: 👋", { details, metadata });
      },
    });
    const error = await refused(unary(client, payload()));
    expect(error).toMatchObject({ code: Code.NOT_FOUND, details: "100 % weg: 👋" });
    expect(error.metadata.get("retry-after")).toEqual(["3"]);
    const [bytes] = error.metadata.get("grpc-status-details-bin") as [Buffer];
    expect(Status.decode(new Uint8Array(bytes))).toEqual({
      code: Code.NOT_FOUND,
      message: "100 % weg: 👋",
      details: [{ typeUrl: "type.googleapis.com/probe.v1.Payload", value: Payload.encode(payload("more")).finish() }],
    });
  });

  test("learns that a method is not there", async () => {
    const client = await served();
    const call = new Promise((resolve, reject) => {
      const bytes = (value: Buffer): Buffer => value;
      client.makeUnaryRequest("/probe.v1.Probe/Missing", bytes, bytes, Buffer.alloc(0), (error, value) =>
        error === null ? resolve(value) : reject(error),
      );
    });
    expect(await refused(call)).toMatchObject({ code: Code.UNIMPLEMENTED });
  });

  test("has its deadline on the server", async () => {
    const seen = event<number>();
    const client = await served({
      echo(call) {
        seen.happen(call.remainingMs);
        return cancelled(call);
      },
    });
    await texts(client.expand({ count: 1, size: 0, delayMs: 0 }));
    expect(await refused(unary(client, payload(), { deadline: Date.now() + 100 }))).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
    });
    expect(await seen.happened).toBeLessThanOrEqual(101);
  });

  test("cancels its call on the server", async () => {
    const began = event();
    const ended = event<RpcError>();
    const client = await served({
      async expand(call) {
        began.happen();
        ended.happen(await failure(cancelled(call)));
        throw new Error("cancelled");
      },
    });
    const stream = client.expand({ count: 1, size: 1, delayMs: 0 });
    stream.on("error", () => {});
    await began.happened;
    stream.cancel();
    expect((await ended.happened).code).toBe(Code.CANCELLED);
  });

  test("may compress what it sends", async () => {
    for (const algorithm of [grpc.compressionAlgorithms.gzip, grpc.compressionAlgorithms.deflate]) {
      const client = await served({}, { "grpc.default_compression_algorithm": algorithm });
      const message = payload("text ".repeat(1000), 50_000);
      expect(await unary(client, message)).toEqual(message);
    }
  });

  test("slows a stream down by not reading it", async () => {
    let produced = 0;
    const client = await served({
      expand: () =>
        reply(
          (async function* () {
            for (; produced < 1536; produced += 1) yield payload("", 16 * 1024);
          })(),
        ),
    });
    const stream = client.expand({ count: 0, size: 0, delayMs: 0 });
    const read = stream[Symbol.asyncIterator]();
    await read.next();
    for (let i = 0; i < 50; i += 1) await unary(client, payload());
    expect(produced).toBeLessThan(512);
    let count = 1;
    while (!(await read.next()).done) count += 1;
    expect(count).toBe(1536);
  });

  test("loses no call while connections are sent away for their age", async () => {
    const here = world();
    const connections = new Set<string | undefined>();
    const answers: Answers = {
      async echo(call) {
        connections.add(call.caller?.address);
        await sleep(Math.random() * 40);
        return reply(call.request);
      },
    };
    const { address } = await here.serve(answers, { maxConnectionAgeMs: 500 });
    const client = probeClient(address.replace("127.0.0.1", "localhost"), {}, tls);
    here.after(() => client.close());
    const calls: Promise<Payload>[] = [];
    for (let i = 0; i < 150; i += 1) {
      for (let j = 0; j < 5; j += 1) calls.push(unary(client, payload()));
      await sleep(10);
    }
    const lost = (await Promise.allSettled(calls)).filter(({ status }) => status === "rejected");
    expect(lost).toEqual([]);
    expect(connections.size).toBeGreaterThanOrEqual(3);
  });

  test("is told to go by a server that drains, and finishes its calls", async () => {
    const here = world();
    const go = event();
    const began = event();
    const listener = await here.serve({
      async echo(call) {
        began.happen();
        await go.happened;
        return reply(call.request);
      },
    });
    const client = probeClient(listener.address.replace("127.0.0.1", "localhost"), {}, tls);
    here.after(() => client.close());
    const answer = unary(client, payload("in flight"));
    await began.happened;
    listener.drain();
    go.happen();
    expect(await answer).toEqual(payload("in flight"));
    expect(await refused(unary(client, payload()))).toMatchObject({ code: Code.UNAVAILABLE });
  });
}

function servers(world: () => World, tls: boolean): void {
  async function dialled(implementation: Partial<Handlers>, options: grpc.ServerOptions = {}) {
    const here = world();
    const missing = () => {};
    const whole = { echo: missing, expand: missing, collect: missing, converse: missing, ...implementation };
    const { address, server } = await probeServer(whole, options, tls);
    here.after(() => server.forceShutdown());
    const { changed, until } = watch();
    const peer = here.dial(address, { changed });
    return { peer, server, until };
  }

  test("answers in all four shapes", async () => {
    const { peer } = await dialled({
      echo: (call, done) => done(null, call.request),
      expand(call) {
        for (let i = 0; i < call.request.count; i += 1) call.write(payload(`${i}`, call.request.size));
        call.end();
      },
      collect(call, done) {
        let count = 0;
        call.on("data", () => {
          count += 1;
        });
        call.on("end", () => done(null, { count, bytes: 0n }));
      },
      converse(call) {
        call.on("data", (message) => call.write(message));
        call.on("end", () => call.end());
      },
    });
    const message = { text: "grüße", data: Uint8Array.of(0, 255) };
    expect((await echo(peer, message)).response).toEqual(message);
    expect(await texts(responses(await expand(peer, { count: 50, size: 10 })))).toHaveLength(50);
    expect((await collect(peer, counting(20))).response).toEqual({ count: 20, bytes: 0n });
    expect(await texts(responses(await converse(peer, counting(20))))).toHaveLength(20);
  });

  test("receives and sends metadata", async () => {
    const { peer } = await dialled({
      echo(call, done) {
        const trailer = new grpc.Metadata();
        trailer.set("last-bin", Buffer.from([9]));
        const header = new grpc.Metadata();
        header.set("tenant", call.metadata.get("tenant")[0] as string);
        for (const value of call.metadata.get("trace-bin")) header.add("trace-bin", value);
        call.sendMetadata(header);
        done(null, call.request, trailer);
      },
    });
    const metadata = Metadata.from({ tenant: "acme", "trace-bin": [Uint8Array.of(1, 2), Uint8Array.of(3)] });
    const { header, trailer } = await echo(peer, payload(), { metadata });
    expect(header.get("tenant")).toBe("acme");
    expect(header.getAll("trace-bin")).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect(trailer.getBytes("last-bin")).toEqual(Uint8Array.of(9));
  });

  test("fails with a status, its message, its details and its metadata", async () => {
    const value = Payload.encode(payload("more")).finish();
    const details = [{ typeUrl: "type.googleapis.com/probe.v1.Payload", value }];
    const { peer } = await dialled({
      echo(_call, done) {
        const metadata = new grpc.Metadata();
        const status = Status.fromPartial({ code: 5, message: "weg", details });
        metadata.set("grpc-status-details-bin", Buffer.from(Status.encode(status).finish()));
        metadata.set("retry-after", "3");
        done({ code: grpc.status.NOT_FOUND, details: "100 % weg: 👋", metadata });
      },
    });
    const error = await failure(echo(peer));
    expect(error).toMatchObject({ code: Code.NOT_FOUND, message: "100 % weg: 👋", unprocessed: false });
    expect(error.detailsOf(Payload)).toEqual([payload("more")]);
    expect(error.metadata.get("retry-after")).toBe("3");
  });

  test("fails in the middle of a stream", async () => {
    const go = event();
    const { peer } = await dialled({
      async expand(call) {
        call.write(payload("first"));
        await go.happened;
        call.emit("error", { code: grpc.status.ABORTED, details: "enough" });
      },
    });
    const stream = responses(await expand(peer));
    expect((await stream.next()).value).toEqual(payload("first"));
    go.happen();
    expect(await failure(stream.next())).toMatchObject({ code: Code.ABORTED, message: "enough" });
  });

  test("sees the deadline, and that the client gave up at it", async () => {
    const seen = event<number>();
    const ended = event();
    const { peer } = await dialled({
      echo(call) {
        seen.happen(Number(call.getDeadline()) - Date.now());
        call.on("cancelled", () => ended.happen());
      },
      expand: (call) => call.end(),
    });
    await expand(peer);
    expect((await failure(echo(peer, payload(), { deadline: deadlineAfter(100) }))).code).toBe(Code.DEADLINE_EXCEEDED);
    expect(await seen.happened).toBeLessThanOrEqual(101);
    await ended.happened;
  });

  test("sees that a call was cancelled", async () => {
    const began = event();
    const ended = event();
    const { peer } = await dialled({
      echo(call) {
        began.happen();
        call.on("cancelled", () => ended.happen());
      },
    });
    const controller = new AbortController();
    const result = echo(peer, payload(), { cancellation: controller.signal });
    await began.happened;
    controller.abort();
    expect((await failure(result)).code).toBe(Code.CANCELLED);
    await ended.happened;
  });

  test("does not run ahead of a reader who is slow", async () => {
    let sent = 0;
    const { peer } = await dialled({
      echo: (call, done) => done(null, call.request),
      expand(call) {
        const more = (): void => {
          while (sent < 1536) {
            sent += 1;
            if (!call.write(payload("", 16 * 1024))) return void call.once("drain", more);
          }
          call.end();
        };
        more();
      },
    });
    const stream = responses(await expand(peer));
    await stream.next();
    for (let i = 0; i < 50; i += 1) await echo(peer);
    expect(sent).toBeLessThan(512);
    let read = 1;
    for await (const _ of stream) read += 1;
    expect(read).toBe(1536);
  });

  test("shuts down gracefully while a call is in flight", async () => {
    const began = event();
    const go = event();
    const { peer, server, until } = await dialled({
      async echo(call, done) {
        began.happen();
        await go.happened;
        done(null, call.request);
      },
    });
    const result = echo(peer, payload("in flight"));
    await began.happened;
    server.tryShutdown(() => {});
    await until(() => !peer.ready);
    expect(await failure(echo(peer))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    go.happen();
    expect((await result).response).toEqual(payload("in flight"));
  });

  test("may limit the streams of a connection", async () => {
    const { peer } = await dialled(
      { echo: (call, done) => void setImmediate(() => done(null, call.request)) },
      { "grpc.max_concurrent_streams": 3 },
    );
    await echo(peer);
    await Promise.all(Array.from({ length: 50 }, () => echo(peer)));
  });
}

interface Handlers {
  echo: grpc.handleUnaryCall<Payload, Payload>;
  expand: grpc.handleServerStreamingCall<ExpandRequest, Payload>;
  collect: grpc.handleClientStreamingCall<Payload, CollectReply>;
  converse: grpc.handleBidiStreamingCall<Payload, Payload>;
}

function unary(client: ProbeClient, message: Payload, options: grpc.CallOptions = {}): Promise<Payload> {
  return new Promise((resolve, reject) => {
    client.echo(message, new grpc.Metadata(), options, (error, value) =>
      value === undefined ? reject(error) : resolve(value),
    );
  });
}

function collecting(client: ProbeClient) {
  const { promise: answer, resolve, reject } = Promise.withResolvers<CollectReply>();
  const stream = client.collect(new grpc.Metadata(), {}, (error, value) =>
    value === undefined ? reject(error) : resolve(value),
  );
  return { stream, answer };
}

async function refused(call: Promise<unknown>): Promise<grpc.ServiceError> {
  return call.then(
    () => Promise.reject(new Error("it was answered")),
    (error) => error,
  );
}

async function* counting(count: number): AsyncGenerator<Payload> {
  for (let i = 0; i < count; i += 1) yield payload(`${i}`);
}

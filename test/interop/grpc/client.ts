// gRPC's interop client: runs the cases that it is named, against a server of another language.
// https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Code, createChannel, createClient, type Metadata, RpcError } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import { TestService, UnimplementedService } from "../../../gen/grpc/testing/test.rpc.ts";

const { TRANSPORT, CA, SERVER_NAME, ADDRESS = "127.0.0.1:10000" } = process.env;

const openChannel = ({ compression = "identity" }: { compression?: "identity" | "gzip" } = {}) =>
  createChannel({
    endpoints: [ADDRESS],
    compression,
    ...(TRANSPORT === "grpc-js" && { transport: grpcJs() }),
    ...(CA && { tls: { ca: readFileSync(CA), serverName: SERVER_NAME } }),
  });
const channel = openChannel();
const client = createClient(TestService, channel);

const bytes = (size: number) => ({ body: new Uint8Array(size) });
const large = { responseSize: 314_159, payload: bytes(271_828) };
const sizes = [31_415, 9, 2_653, 58_979];
const requestSizes = [27_182, 8, 1_828, 45_904];
const specialMessage = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP \uD83D\uDE08\t\n";

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(() => assert.fail("the call succeeded"), RpcError.from);

async function sizesOf(replies: AsyncIterable<{ payload?: { body: Uint8Array } | undefined }>): Promise<number[]> {
  const found: number[] = [];
  for await (const { payload } of replies) found.push(payload?.body.length ?? 0);
  return found;
}

/** Sends a request each time the last one has been answered. */
async function pingPong(count: number, signal?: AbortSignal): Promise<number[]> {
  let answered = Promise.withResolvers<void>();
  async function* requests() {
    for (let i = 0; i < count; i++) {
      yield { responseParameters: [{ size: sizes[i] ?? 0 }], payload: bytes(requestSizes[i] ?? 0) };
      await answered.promise;
      answered = Promise.withResolvers<void>();
    }
  }
  const found: number[] = [];
  for await (const { payload } of client.fullDuplexCall(requests(), { signal, timeoutMs: 10_000 })) {
    found.push(payload?.body.length ?? 0);
    answered.resolve();
  }
  return found;
}

async function echoed(call: (options: object) => Promise<unknown>): Promise<void> {
  const initial = "test_initial_metadata_value";
  const trailing = Uint8Array.of(0xab, 0xab, 0xab);
  let header: Metadata | undefined;
  let trailer: Metadata | undefined;
  await call({
    metadata: { "x-grpc-test-echo-initial": initial, "x-grpc-test-echo-trailing-bin": trailing },
    onHeader: (metadata: Metadata) => {
      header = metadata;
    },
    onTrailer: (metadata: Metadata) => {
      trailer = metadata;
    },
  });
  assert.equal(header?.get("x-grpc-test-echo-initial"), initial);
  assert.deepEqual([...(trailer?.getBytes("x-grpc-test-echo-trailing-bin") ?? [])], [...trailing]);
}

const cases: Readonly<Record<string, () => Promise<void>>> = {
  async empty_unary() {
    assert.deepEqual(await client.emptyCall({}), {});
  },
  async large_unary() {
    assert.equal((await client.unaryCall(large)).payload?.body.length, 314_159);
  },
  async client_streaming() {
    const requests = requestSizes.map((size) => ({ payload: bytes(size) }));
    assert.equal((await client.streamingInputCall(requests)).aggregatedPayloadSize, 74_922);
  },
  async server_streaming() {
    const responseParameters = sizes.map((size) => ({ size }));
    assert.deepEqual(await sizesOf(client.streamingOutputCall({ responseParameters })), sizes);
  },
  async ping_pong() {
    assert.deepEqual(await pingPong(4), sizes);
  },
  async empty_stream() {
    assert.deepEqual(await sizesOf(client.fullDuplexCall([])), []);
  },
  async timeout_on_sleeping_server() {
    const request = { responseParameters: [{ size: 31_415, intervalUs: 1_000_000 }], payload: bytes(27_182) };
    const error = await failure(sizesOf(client.fullDuplexCall([request], { timeoutMs: 1 })));
    assert.equal(error.code, Code.DEADLINE_EXCEEDED);
  },
  async cancel_after_begin() {
    const leaving = new AbortController();
    async function* never() {
      leaving.abort();
      await new Promise(() => {});
      yield {};
    }
    const error = await failure(client.streamingInputCall(never(), { signal: leaving.signal }));
    assert.equal(error.code, Code.CANCELLED);
  },
  async cancel_after_first_response() {
    const leaving = new AbortController();
    async function* requests() {
      yield { responseParameters: [{ size: 31_415 }], payload: bytes(27_182) };
      await new Promise(() => {});
    }
    const replies = client.fullDuplexCall(requests(), { signal: leaving.signal });
    assert.equal((await replies.next()).value?.payload?.body.length, 31_415);
    leaving.abort();
    assert.equal((await failure(replies.next())).code, Code.CANCELLED);
  },
  async custom_metadata() {
    await echoed((options) => client.unaryCall(large, options));
    const request = { responseParameters: [{ size: 314_159 }], payload: bytes(271_828) };
    await echoed((options) => sizesOf(client.fullDuplexCall([request], options)));
  },
  async status_code_and_message() {
    const responseStatus = { code: 2, message: "test status message" };
    const unary = () => client.unaryCall({ responseStatus });
    const stream = () => sizesOf(client.fullDuplexCall([{ responseStatus }]));
    for (const call of [unary, stream]) {
      const error = await failure(call());
      assert.deepEqual([error.code, error.message], [Code.UNKNOWN, "test status message"]);
    }
  },
  async special_status_message() {
    const error = await failure(client.unaryCall({ responseStatus: { code: 2, message: specialMessage } }));
    assert.deepEqual([error.code, error.message], [Code.UNKNOWN, specialMessage]);
  },
  async unimplemented_method() {
    assert.equal((await failure(client.unimplementedCall({}))).code, Code.UNIMPLEMENTED);
  },
  async unimplemented_service() {
    const nowhere = createClient(UnimplementedService, channel);
    assert.equal((await failure(nowhere.unimplementedCall({}))).code, Code.UNIMPLEMENTED);
  },
  async client_compressed_unary() {
    const error = await failure(client.unaryCall({ ...large, expectCompressed: { value: true } }));
    assert.equal(error.code, Code.INVALID_ARGUMENT);
    const compressing = openChannel({ compression: "gzip" });
    const reply = await createClient(TestService, compressing).unaryCall({
      ...large,
      expectCompressed: { value: true },
    });
    await compressing.close();
    assert.equal(reply.payload?.body.length, 314_159);
    const plain = await client.unaryCall({ ...large, expectCompressed: { value: false } });
    assert.equal(plain.payload?.body.length, 314_159);
  },
  async server_compressed_unary() {
    for (const value of [true, false]) {
      const reply = await client.unaryCall({ ...large, responseCompressed: { value } });
      assert.equal(reply.payload?.body.length, 314_159);
    }
  },
  async server_compressed_streaming() {
    const responseParameters = [
      { size: 31_415, compressed: { value: true } },
      { size: 92_653, compressed: { value: false } },
    ];
    assert.deepEqual(await sizesOf(client.streamingOutputCall({ responseParameters })), [31_415, 92_653]);
  },
  async rpc_soak() {
    for (let i = 0; i < 100; i++) assert.equal((await client.unaryCall(large)).payload?.body.length, 314_159);
  },
  async channel_soak() {
    for (let i = 0; i < 100; i++) {
      await using fresh = openChannel();
      assert.equal((await createClient(TestService, fresh).unaryCall(large)).payload?.body.length, 314_159);
    }
  },
};

/** Names the case and `passed`, or what went wrong; one line each. */
for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(cases)) {
  try {
    await (cases[name] ?? (() => assert.fail("no such case")))();
    console.log(`${name} passed`);
  } catch (error) {
    console.log(`${name} failed: ${`${error}`.replaceAll("\n", " ")}`);
    process.exitCode = 1;
  }
}
await channel.close();

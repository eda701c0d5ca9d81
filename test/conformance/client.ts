// The client under test of connectrpc/conformance: makes the calls it reads, and writes down what came of each.
import { setTimeout as sleep } from "node:timers/promises";
import { createChannel, createClient, Metadata as Md, type MessageInit, type Metadata, RpcError } from "trunkline";
import {
  ClientCompatRequest,
  ClientCompatResponse,
  type ClientResponseResult,
} from "../../gen/connectrpc/conformance/v1/client_compat.ts";
import { Compression, StreamType } from "../../gen/connectrpc/conformance/v1/config.ts";
import { ConformanceService } from "../../gen/connectrpc/conformance/v1/service.rpc.ts";
import {
  BidiStreamRequest,
  ClientStreamRequest,
  type ConformancePayload,
  IdempotentUnaryRequest,
  ServerStreamRequest,
  UnaryRequest,
} from "../../gen/connectrpc/conformance/v1/service.ts";
import { frames, fromMetadata, fromRpcError, toMetadata, transportUnderTest, writeFrame } from "./wire.ts";

const transport = transportUnderTest();
const nothing: ConformancePayload = { data: new Uint8Array(), requestInfo: undefined };

function channelTo(asked: ClientCompatRequest) {
  const { host, port, serverTlsCert, clientTlsCreds, messageReceiveLimit, compression } = asked;
  return createChannel({
    endpoints: [`${host.includes(":") ? `[${host}]` : host}:${port}`],
    transport,
    breaker: false,
    policy: { timeoutMs: 0, retry: false },
    ...(serverTlsCert.length > 0 && { tls: { ca: serverTlsCert, ...clientTlsCreds } }),
    ...(messageReceiveLimit > 0 && { maxReceiveMessageBytes: messageReceiveLimit }),
    ...(compression === Compression.COMPRESSION_GZIP && { compression: "gzip" as const }),
    ...(compression === Compression.COMPRESSION_DEFLATE && { compression: "deflate" as const }),
  });
}

interface Outcome {
  header: Metadata;
  trailer: Metadata;
  readonly payloads: ConformancePayload[];
  unsent: number;
}

async function make(asked: ClientCompatRequest): Promise<MessageInit<ClientResponseResult>> {
  await using channel = channelTo(asked);
  const client = createClient(ConformanceService, channel);
  const outcome: Outcome = { header: Md.EMPTY, trailer: Md.EMPTY, payloads: [], unsent: asked.requestMessages.length };
  const leaving = new AbortController();
  const options = {
    metadata: toMetadata(asked.requestHeaders),
    signal: leaving.signal,
    ...(asked.timeoutMs !== undefined && { timeoutMs: asked.timeoutMs }),
    onHeader(header: Metadata) {
      outcome.header = header;
    },
    onTrailer(trailer: Metadata) {
      outcome.trailer = trailer;
    },
  };
  const cancel = asked.cancel?.cancelTiming;
  const afterSend = asked.cancel !== undefined && (cancel === undefined || cancel.$case === "afterCloseSendMs");
  const messages = asked.requestMessages.map(({ value }) => value);

  function sent(): void {
    if (cancel?.$case === "beforeCloseSend") leaving.abort();
    else if (afterSend) setTimeout(() => leaving.abort(), cancel?.$case === "afterCloseSendMs" ? cancel.value : 0);
  }

  async function* sending<T>(decode: (bytes: Uint8Array) => T, turn?: () => Promise<void>): AsyncGenerator<T> {
    for (const bytes of messages) {
      await sleep(asked.requestDelayMs);
      outcome.unsent--;
      yield decode(bytes);
      await turn?.();
    }
    sent();
    if (cancel?.$case === "beforeCloseSend") await new Promise(() => {});
  }

  async function reading(replies: AsyncIterable<{ payload?: ConformancePayload | undefined }>, read?: () => void) {
    for await (const { payload } of replies) {
      outcome.payloads.push(payload ?? nothing);
      if (cancel?.$case === "afterNumResponses" && outcome.payloads.length === cancel.value) leaving.abort();
      read?.();
    }
  }

  async function one(reply: Promise<{ payload?: ConformancePayload | undefined }>): Promise<void> {
    const { payload } = await reply;
    outcome.payloads.push(payload ?? nothing);
  }

  async function invoke(): Promise<void> {
    const only = messages[0] ?? new Uint8Array();
    if (asked.streamType === StreamType.STREAM_TYPE_CLIENT_STREAM) {
      return one(
        client.clientStream(
          sending((bytes) => ClientStreamRequest.decode(bytes)),
          options,
        ),
      );
    }
    if (asked.streamType === StreamType.STREAM_TYPE_HALF_DUPLEX_BIDI_STREAM) {
      return reading(
        client.bidiStream(
          sending((bytes) => BidiStreamRequest.decode(bytes)),
          options,
        ),
      );
    }
    if (asked.streamType === StreamType.STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM) {
      let { promise, resolve } = Promise.withResolvers<void>();
      const turn = (): Promise<void> => promise;
      const read = (): void => {
        resolve();
        ({ promise, resolve } = Promise.withResolvers<void>());
      };
      return reading(
        client.bidiStream(
          sending((bytes) => BidiStreamRequest.decode(bytes), turn),
          options,
        ),
        read,
      );
    }
    outcome.unsent = 0;
    await sleep(asked.requestDelayMs);
    sent();
    switch (asked.method) {
      case "ServerStream":
        return reading(client.serverStream(ServerStreamRequest.decode(only), options));
      case "IdempotentUnary":
        return one(client.idempotentUnary(IdempotentUnaryRequest.decode(only), options));
      case "Unimplemented":
        await client.unimplemented({}, options);
        return;
      default:
        return one(client.unary(UnaryRequest.decode(only), options));
    }
  }

  try {
    await invoke();
    return { ...resultOf(outcome) };
  } catch (thrown) {
    const error = RpcError.from(thrown);
    if (outcome.header.size === 0) outcome.header = error.header;
    outcome.trailer = error.metadata;
    return { ...resultOf(outcome), error: fromRpcError(error) };
  }
}

function resultOf({ header, trailer, payloads, unsent }: Outcome): MessageInit<ClientResponseResult> {
  return {
    responseHeaders: fromMetadata(header),
    responseTrailers: fromMetadata(trailer),
    payloads,
    numUnsentRequests: unsent,
  };
}

const running = new Set<Promise<void>>();
for await (const bytes of frames(process.stdin)) {
  const asked = ClientCompatRequest.decode(bytes);
  const one = make(asked)
    .then((value): MessageInit<ClientCompatResponse>["result"] => ({ $case: "response", value }))
    .catch((error): MessageInit<ClientCompatResponse>["result"] => ({ $case: "error", value: { message: `${error}` } }))
    .then((result) => {
      const response = ClientCompatResponse.fromPartial({ testName: asked.testName, result } as never);
      writeFrame(ClientCompatResponse.encode(response).finish());
    })
    .finally(() => running.delete(one));
  running.add(one);
  if (running.size >= 16) await Promise.race(running);
}
await Promise.all(running);

// The server under test of connectrpc/conformance: reads what it should be from standard input, says where it serves.
import { setTimeout as sleep } from "node:timers/promises";
import { createServer, detail, type HandlerContext, type MessageInit, RpcError } from "trunkline";
import { ServerCompatRequest, ServerCompatResponse } from "../../gen/connectrpc/conformance/v1/server_compat.ts";
import { ConformanceService } from "../../gen/connectrpc/conformance/v1/service.rpc.ts";
import {
  BidiStreamRequest,
  ClientStreamRequest,
  type ConformancePayload,
  IdempotentUnaryRequest,
  ConformancePayload_RequestInfo as RequestInfo,
  ServerStreamRequest,
  type StreamResponseDefinition,
  UnaryRequest,
  type UnaryResponseDefinition,
} from "../../gen/connectrpc/conformance/v1/service.ts";
import { frames, fromMetadata, toMetadata, toRpcError, transportUnderTest, writeFrame } from "./wire.ts";

interface AnyMessage {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

interface RequestType<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
}

const anyOf = <T>(type: RequestType<T>, message: T): AnyMessage => ({
  typeUrl: `type.googleapis.com/${type.$type}`,
  value: type.encode(message).finish(),
});

function infoOf(context: HandlerContext, requests: readonly AnyMessage[]): MessageInit<RequestInfo> {
  const { remainingMs } = context;
  return {
    requestHeaders: fromMetadata(context.metadata),
    requests,
    ...(remainingMs !== Number.POSITIVE_INFINITY && { timeoutMs: BigInt(Math.round(remainingMs)) }),
  };
}

async function answerOne(
  context: HandlerContext,
  definition: UnaryResponseDefinition | undefined,
  requests: readonly AnyMessage[],
): Promise<{ payload: MessageInit<ConformancePayload> }> {
  const requestInfo = infoOf(context, requests);
  context.header = toMetadata(definition?.responseHeaders ?? []);
  context.trailer = toMetadata(definition?.responseTrailers ?? []);
  await sleep(definition?.responseDelayMs ?? 0);
  if (definition?.response?.$case === "error") {
    throw toRpcError(definition.response.value, [detail(RequestInfo, requestInfo)]);
  }
  const data = definition?.response?.$case === "responseData" ? definition.response.value : new Uint8Array();
  return { payload: { data, requestInfo } };
}

type StreamReply = { payload: MessageInit<ConformancePayload> };

/** Sends what is defined, one for each `turn`, and then the error, if one is defined. */
class StreamAnswer {
  #sent = 0;
  readonly #context: HandlerContext;
  readonly #definition: StreamResponseDefinition | undefined;

  constructor(context: HandlerContext, definition: StreamResponseDefinition | undefined) {
    this.#context = context;
    this.#definition = definition;
    context.header = toMetadata(definition?.responseHeaders ?? []);
    context.trailer = toMetadata(definition?.responseTrailers ?? []);
  }

  get left(): boolean {
    return this.#sent < (this.#definition?.responseData.length ?? 0);
  }

  async next(requestInfo: MessageInit<RequestInfo> | undefined): Promise<StreamReply> {
    await sleep(this.#definition?.responseDelayMs ?? 0);
    const data = this.#definition?.responseData[this.#sent++] as Uint8Array;
    return { payload: { data, ...(requestInfo && { requestInfo }) } };
  }

  end(requests: readonly AnyMessage[]): void {
    const error = this.#definition?.error;
    if (error === undefined) return;
    const info = this.#sent === 0 ? [detail(RequestInfo, infoOf(this.#context, requests))] : [];
    throw toRpcError(error, info);
  }
}

const { value: request } = await frames(process.stdin).next();
if (request === undefined) throw new Error("no ServerCompatRequest on standard input");
const { useTls, serverCreds, clientTlsCert, messageReceiveLimit } = ServerCompatRequest.decode(request);

const server = createServer({
  transport: transportUnderTest(),
  ...(useTls && serverCreds && { tls: { ...serverCreds, ...(clientTlsCert.length > 0 && { ca: clientTlsCert }) } }),
  ...(messageReceiveLimit > 0 && { maxReceiveMessageBytes: messageReceiveLimit }),
  compression: "gzip",
});

server.add(ConformanceService, {
  unary: (request, context) => answerOne(context, request.responseDefinition, [anyOf(UnaryRequest, request)]),
  idempotentUnary: (request, context) =>
    answerOne(context, request.responseDefinition, [anyOf(IdempotentUnaryRequest, request)]),
  unimplemented() {
    throw new RpcError(12, "connectrpc.conformance.v1.ConformanceService.Unimplemented is not implemented");
  },
  async clientStream(stream, context) {
    const requests: AnyMessage[] = [];
    let definition: UnaryResponseDefinition | undefined;
    for await (const request of stream) {
      if (requests.length === 0) definition = request.responseDefinition;
      requests.push(anyOf(ClientStreamRequest, request));
    }
    return answerOne(context, definition, requests);
  },
  async *serverStream(request, context) {
    const requests = [anyOf(ServerStreamRequest, request)];
    const answer = new StreamAnswer(context, request.responseDefinition);
    for (let first = true; answer.left; first = false) yield answer.next(first ? infoOf(context, requests) : undefined);
    answer.end(requests);
  },
  async *bidiStream(stream, context) {
    let answer: StreamAnswer | undefined;
    let fullDuplex = false;
    let first = true;
    let unanswered: AnyMessage[] = [];
    const next = (requestInfo: MessageInit<RequestInfo> | undefined): Promise<StreamReply> => {
      first = false;
      unanswered = [];
      return (answer as StreamAnswer).next(requestInfo);
    };
    for await (const request of stream) {
      unanswered.push(anyOf(BidiStreamRequest, request));
      answer ??= new StreamAnswer(context, request.responseDefinition);
      fullDuplex ||= request.fullDuplex;
      if (!fullDuplex) continue;
      if (!answer.left) break;
      yield next(first ? infoOf(context, unanswered) : { requests: unanswered });
    }
    while (answer?.left) yield next(first ? infoOf(context, unanswered) : undefined);
    answer?.end(unanswered);
  },
});

const address = await server.listen("127.0.0.1:0");
const port = Number(address.slice(address.lastIndexOf(":") + 1));
const pemCert = useTls && serverCreds ? serverCreds.cert : new Uint8Array();
writeFrame(ServerCompatResponse.encode({ host: "127.0.0.1", port, pemCert }).finish());
process.once("SIGTERM", () => void server.close({ timeoutMs: 0 }));

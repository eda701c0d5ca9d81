// gRPC's interop server: https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createServer, type HandlerContext, RpcError } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import type { EchoStatus, SimpleRequest, StreamingOutputCallRequest } from "../../../gen/grpc/testing/messages.ts";
import { TestService } from "../../../gen/grpc/testing/test.rpc.ts";

const { TRANSPORT, CERT, KEY, PORT = "0" } = process.env;

const server = createServer({
  ...(TRANSPORT === "grpc-js" && { transport: grpcJs() }),
  ...(CERT && KEY && { tls: { cert: readFileSync(CERT), key: readFileSync(KEY) } }),
});

const zeros = (size: number) => ({ body: new Uint8Array(size) });

function echoMetadata(context: HandlerContext): void {
  const initial = context.metadata.get("x-grpc-test-echo-initial");
  const trailing = context.metadata.getBytes("x-grpc-test-echo-trailing-bin");
  if (initial !== undefined) context.header = { "x-grpc-test-echo-initial": initial };
  if (trailing !== undefined) context.trailer = { "x-grpc-test-echo-trailing-bin": trailing };
}

function refuse(status: EchoStatus | undefined): void {
  if (status !== undefined && status.code !== 0) throw new RpcError(status.code as Code, status.message);
}

function unary(request: SimpleRequest, context: HandlerContext) {
  echoMetadata(context);
  refuse(request.responseStatus);
  return { payload: zeros(request.responseSize) };
}

async function* output(request: StreamingOutputCallRequest) {
  for (const { size, intervalUs } of request.responseParameters) {
    if (intervalUs > 0) await sleep(intervalUs / 1_000);
    yield { payload: zeros(size) };
  }
  refuse(request.responseStatus);
}

server.add(TestService, {
  emptyCall: () => ({}),
  unaryCall: unary,
  cacheableUnaryCall: unary,
  streamingOutputCall: output,
  async streamingInputCall(requests) {
    let aggregatedPayloadSize = 0;
    for await (const { payload } of requests) aggregatedPayloadSize += payload?.body.length ?? 0;
    return { aggregatedPayloadSize };
  },
  async *fullDuplexCall(requests, context) {
    echoMetadata(context);
    for await (const request of requests) yield* output(request);
  },
  async *halfDuplexCall(requests) {
    const all: StreamingOutputCallRequest[] = [];
    for await (const request of requests) all.push(request);
    for (const request of all) yield* output(request);
  },
  unimplementedCall() {
    throw new RpcError(Code.UNIMPLEMENTED, "no server implements it");
  },
});

console.log("listening on", await server.listen(`127.0.0.1:${PORT}`));
process.once("SIGTERM", () => void server.close({ timeoutMs: 0 }));

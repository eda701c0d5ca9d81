import grpc from "@grpc/grpc-js";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import type { CollectReply, ExpandRequest, Payload } from "../../gen/probe/v1/probe.ts";
import type { Method } from "../../src/core/method.ts";
import { authority, serverTls } from "./certs.ts";

type Coded = Pick<grpc.MethodDefinition<any, any>, "path" | "requestStream" | "responseStream"> &
  grpc.MethodDefinition<any, any>;

/** Probe as grpc-js describes a service. */
export const probeDefinition: grpc.ServiceDefinition = Object.fromEntries(
  Object.entries(Probe.methods as Record<string, Method>).map(([key, method]) => [key, definition(method)]),
);

function definition({ path, requestStream, responseStream, request, response }: Method): Coded {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes) => request.decode(new Uint8Array(bytes)),
    responseSerialize: (message) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(new Uint8Array(bytes)),
  };
}

/** A client of Probe as grpc-js makes it. */
export interface ProbeClient extends grpc.Client {
  echo(request: Payload, metadata: grpc.Metadata, options: grpc.CallOptions, done: Done<Payload>): grpc.ClientUnaryCall;
  expand(
    request: ExpandRequest,
    metadata?: grpc.Metadata,
    options?: grpc.CallOptions,
  ): grpc.ClientReadableStream<Payload>;
  collect(
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
    done: Done<CollectReply>,
  ): grpc.ClientWritableStream<Payload>;
  converse(metadata?: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<Payload, Payload>;
}

type Done<T> = (error: grpc.ServiceError | null, reply?: T) => void;

const ProbeConstructor = grpc.makeClientConstructor(probeDefinition, "Probe");

/** A grpc-js client that shares nothing with another. */
export function probeClient(address: string, options: grpc.ClientOptions = {}, tls = false): ProbeClient {
  const credentials = tls ? grpc.credentials.createSsl(Buffer.from(authority)) : grpc.credentials.createInsecure();
  const own = { "grpc.use_local_subchannel_pool": 1, ...options };
  return new ProbeConstructor(address, credentials, own) as unknown as ProbeClient;
}

/** Serves Probe by grpc-js on a port of the loopback. */
export async function probeServer(
  implementation: grpc.UntypedServiceImplementation,
  options: grpc.ServerOptions = {},
  tls = false,
): Promise<{ readonly address: string; readonly server: grpc.Server }> {
  const server = new grpc.Server(options);
  server.addService(probeDefinition, implementation);
  const { key, cert } = serverTls;
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
  const credentials = tls ? grpc.ServerCredentials.createSsl(null, [pair]) : grpc.ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { address: `127.0.0.1:${port}`, server };
}

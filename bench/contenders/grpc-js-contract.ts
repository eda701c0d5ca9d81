import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Blob, DownloadRequest, Order, Text } from "../gen/bench/v1/bench.ts";

interface Codec<T> {
  encode(message: T): BinaryWriter;
  decode(input: Uint8Array): T;
}

function method<I, O, Q extends boolean = false, R extends boolean = false>(
  name: string,
  request: Codec<I>,
  response: Codec<O>,
  requestStream: Q = false as Q,
  responseStream: R = false as R,
) {
  return {
    path: `/bench.v1.Bench/${name}`,
    requestStream,
    responseStream,
    requestSerialize: (message: I) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    responseSerialize: (message: O) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
  };
}

/** The contract for grpc-js and nice-grpc, with the same ts-proto messages that Trunkline sends. */
export const Bench = {
  hello: method("Hello", Text, Text),
  work: method("Work", Text, Text),
  park: method("Park", Text, Text),
  release: method("Release", Text, Text),
  place: method("Place", Order, Order),
  echo: method("Echo", Blob, Blob),
  download: method("Download", DownloadRequest, Blob, false as const, true as const),
  chat: method("Chat", Text, Text, true as const, true as const),
};

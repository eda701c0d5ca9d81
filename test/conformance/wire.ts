// What both programs under test share: the runner's framing, and its words for gRPC's.
import type { Readable } from "node:stream";
import { type Code, type Metadata, type MetadataInit, RpcError, type Transport } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import type { Header, Error as WireError } from "../../gen/connectrpc/conformance/v1/service.ts";

/** The transport under test, by TRANSPORT; the default one where that is not set. */
export function transportUnderTest(): Transport | undefined {
  const name = process.env.TRANSPORT ?? "http2";
  if (name === "grpc-js") return grpcJs();
  if (name === "http2") return undefined;
  throw new Error(`TRANSPORT "${name}": write http2 or grpc-js`);
}

/** The messages that the runner writes, each after its length in 32 bits, big endian. */
export async function* frames(input: Readable): AsyncGenerator<Uint8Array> {
  let buffered: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    buffered = Buffer.concat([buffered, chunk as Buffer]);
    while (buffered.length >= 4 && buffered.length >= 4 + buffered.readUInt32BE(0)) {
      const end = 4 + buffered.readUInt32BE(0);
      yield buffered.subarray(4, end);
      buffered = buffered.subarray(end);
    }
  }
}

export function writeFrame(message: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  process.stdout.write(Buffer.concat([length, message]));
}

/** The runner writes binary values in base64. */
export function toMetadata(headers: readonly Header[]): MetadataInit {
  return headers.flatMap(({ name, value }) =>
    value.map((each): [string, string | Uint8Array] => [
      name,
      name.toLowerCase().endsWith("-bin") ? Buffer.from(each, "base64") : each,
    ]),
  );
}

export function fromMetadata(metadata: Metadata): Header[] {
  return Object.entries(metadata.toJSON()).map(([name, values]) => ({
    name,
    value: values.map((each) =>
      typeof each === "string" ? each : Buffer.from(each).toString("base64").replace(/=+$/, ""),
    ),
  }));
}

const prefix = "type.googleapis.com/";

export function toRpcError(
  { code, message, details }: WireError,
  more: readonly { type: string; value: Uint8Array }[],
): RpcError {
  return new RpcError(code as Code, message ?? "", {
    details: [...details.map(({ typeUrl, value }) => ({ type: typeUrl.replace(prefix, ""), value })), ...more],
  });
}

export function fromRpcError({ code, message, details }: RpcError): WireError {
  return {
    code: code as WireError["code"],
    message,
    details: details.map(({ type, value }) => ({ typeUrl: prefix + type, value })),
  };
}

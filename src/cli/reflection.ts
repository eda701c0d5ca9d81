import { type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection.rpc.ts";
import type { CallOptions } from "../client/call-options.ts";
import type { Channel } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import { contractOf } from "./contract.ts";
import { wellKnownFiles } from "./well-known.ts";

/** Services start with it whatever server they are asked of. */
export const reflectionPackage = "grpc.reflection.";

type Asked = { readonly $case: "fileContainingSymbol" | "fileByFilename"; readonly value: string };

/**
 * Asks a server for the contract of one of its services, in the version of reflection that it has.
 * @throws RpcError UNIMPLEMENTED that says what to do where it has none
 */
export async function reflect(channel: Channel, service: string, options: CallOptions): Promise<FileRegistry> {
  try {
    return await reflectBy(ServerReflection, channel, service, options);
  } catch (error) {
    if (!isUnimplemented(error)) throw error;
  }
  try {
    return await reflectBy(ServerReflectionAlpha, channel, service, options);
  } catch (error) {
    if (!isUnimplemented(error)) throw error;
    const hint = "the server has no reflection: give the contract with --proto FILE";
    throw new RpcError(Code.UNIMPLEMENTED, hint, { cause: error });
  }
}

/** Files are asked for by the symbol, and then by name until none is missing. */
async function reflectBy(
  version: typeof ServerReflection | typeof ServerReflectionAlpha,
  channel: Channel,
  service: string,
  options: CallOptions,
): Promise<FileRegistry> {
  // Both versions have the same messages.
  const client = createClient(version as typeof ServerReflection, channel);
  const files = new Map<string, FileDescriptorProto>();
  const known = new Set(wellKnownFiles.map(({ proto }) => proto.name));

  async function ask(messageRequest: Asked): Promise<void> {
    for await (const { messageResponse: answer } of client.serverReflectionInfo([{ messageRequest }], options)) {
      if (answer?.$case === "errorResponse") {
        const { errorCode, errorMessage } = answer.value;
        throw new RpcError(errorCode as Code, `reflection: ${errorMessage}`);
      }
      if (answer?.$case !== "fileDescriptorResponse") continue;
      for (const bytes of answer.value.fileDescriptorProto) {
        const file = fromBinary(FileDescriptorProtoSchema, bytes);
        files.set(file.name, file);
      }
      return;
    }
    throw new RpcError(Code.INTERNAL, `reflection: the server did not answer for ${messageRequest.value}`);
  }

  await ask({ $case: "fileContainingSymbol", value: service });
  for (let missing = firstMissing(); missing !== undefined; missing = firstMissing()) {
    await ask({ $case: "fileByFilename", value: missing });
    known.add(missing);
  }
  return contractOf([...files.values()]);

  function firstMissing(): string | undefined {
    const needed = [...files.values()].flatMap(({ dependency }) => dependency);
    return needed.find((name) => !files.has(name) && !known.has(name));
  }
}

function isUnimplemented(error: unknown): boolean {
  return RpcError.is(error) && error.code === Code.UNIMPLEMENTED;
}

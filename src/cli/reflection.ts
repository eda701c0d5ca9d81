import type { FileRegistry } from "@bufbuild/protobuf";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection.rpc.ts";
import type { CallOptions } from "../client/call-options.ts";
import type { Channel } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import { Code, codeFrom } from "../core/code.ts";
import { deadlineAfter, NEVER, now } from "../core/deadline.ts";
import { shortened } from "../core/printable.ts";
import { RpcError } from "../core/rpc-error.ts";
import { fileRegistry } from "../json/file-registry.ts";
import { createContractFiles, unreadable } from "./contract-files.ts";

/** Services start with it whatever server they are asked of. */
export const reflectionPackage = "grpc.reflection.";

type Asked = { readonly $case: "fileContainingSymbol" | "fileByFilename"; readonly value: string };

/**
 * Asks a server for the contract of one of its services, in the version of reflection that it has.
 * @param options `timeoutMs` is for all questions together; 0 is no limit
 * @throws RpcError UNIMPLEMENTED that says what to do where it has none, RESOURCE_EXHAUSTED where it sends too much
 */
export async function reflect(channel: Channel, service: string, options: CallOptions): Promise<FileRegistry> {
  const deadline = deadlineAfter(options.timeoutMs);
  const remaining = (): CallOptions =>
    deadline === NEVER ? options : { ...options, timeoutMs: Math.max(1, deadline - now()) };
  try {
    return await reflectBy(ServerReflection, channel, service, remaining);
  } catch (error) {
    if (!isUnimplemented(error)) throw error;
  }
  try {
    return await reflectBy(ServerReflectionAlpha, channel, service, remaining);
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
  options: () => CallOptions,
): Promise<FileRegistry> {
  // Both versions have the same messages.
  const client = createClient(version as typeof ServerReflection, channel);
  const files = createContractFiles();

  async function ask(messageRequest: Asked): Promise<void> {
    for await (const { messageResponse: answer } of client.serverReflectionInfo([{ messageRequest }], options())) {
      if (answer?.$case === "errorResponse") {
        const { errorCode, errorMessage } = answer.value;
        throw new RpcError(codeFrom(errorCode) || Code.UNKNOWN, `reflection: ${shortened(errorMessage)}`);
      }
      if (answer?.$case !== "fileDescriptorResponse") break;
      for (const bytes of answer.value.fileDescriptorProto) files.add(bytes);
      return;
    }
    throw new RpcError(Code.INTERNAL, `reflection: the server did not answer for ${shortened(messageRequest.value)}`);
  }

  await ask({ $case: "fileContainingSymbol", value: service });
  for (let missing = files.nextMissing(); missing !== undefined; missing = files.nextMissing()) {
    await ask({ $case: "fileByFilename", value: missing });
  }
  try {
    return fileRegistry(files.all());
  } catch (error) {
    throw unreadable(error);
  }
}

function isUnimplemented(error: unknown): boolean {
  return RpcError.is(error) && error.code === Code.UNIMPLEMENTED;
}

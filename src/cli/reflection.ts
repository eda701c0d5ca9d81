import type { FileRegistry } from "@bufbuild/protobuf";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import type { ServerReflectionResponse } from "../../gen/grpc/reflection/v1/reflection.ts";
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
import { meantBy } from "./meant.ts";

/** Services start with it whatever server they are asked of. */
export const reflectionPackage = "grpc.reflection.";

type Asked = { readonly $case: "fileContainingSymbol" | "fileByFilename" | "listServices"; readonly value: string };
type Answer = ServerReflectionResponse["messageResponse"];

/**
 * Asks a server for the contract of one of its services, by its name in whatever case, in the version of reflection that it has.
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

  async function ask(messageRequest: Asked): Promise<Answer> {
    for await (const { messageResponse: answer } of client.serverReflectionInfo([{ messageRequest }], options())) {
      if (answer?.$case === "errorResponse") {
        const { errorCode, errorMessage } = answer.value;
        throw new RpcError(codeFrom(errorCode) || Code.UNKNOWN, `reflection: ${shortened(errorMessage)}`);
      }
      return answer;
    }
    return undefined;
  }
  async function askForFile(asked: Asked): Promise<void> {
    const answer = await ask(asked);
    if (answer?.$case !== "fileDescriptorResponse") throw unanswered(asked.value);
    for (const bytes of answer.value.fileDescriptorProto) files.add(bytes);
  }
  async function nameOfService(): Promise<string | undefined> {
    const answer = await ask({ $case: "listServices", value: "" });
    if (answer?.$case !== "listServicesResponse") throw unanswered("its services");
    return meantBy(service, answer.value.service, ({ name }) => name)?.name;
  }

  try {
    await askForFile({ $case: "fileContainingSymbol", value: service });
  } catch (error) {
    if (!RpcError.is(error) || error.code !== Code.NOT_FOUND) throw error;
    const meant = await nameOfService();
    if (meant === undefined || meant === service) throw error;
    await askForFile({ $case: "fileContainingSymbol", value: meant });
  }
  for (let missing = files.nextMissing(); missing !== undefined; missing = files.nextMissing()) {
    await askForFile({ $case: "fileByFilename", value: missing });
  }
  try {
    return fileRegistry(files.all());
  } catch (error) {
    throw unreadable(error);
  }
}

function unanswered(asked: string): RpcError {
  return new RpcError(Code.INTERNAL, `reflection: the server did not answer for ${shortened(asked)}`);
}

function isUnimplemented(error: unknown): boolean {
  return RpcError.is(error) && error.code === Code.UNIMPLEMENTED;
}

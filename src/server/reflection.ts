import { fromBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import type { ServerReflectionRequest, ServerReflectionResponse } from "../../gen/grpc/reflection/v1/reflection.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection.rpc.ts";
import { Code } from "../core/code.ts";
import { type FileDescriptor, withImports } from "../core/file-descriptor.ts";
import type { MessageInit } from "../core/message.ts";
import type { Service } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { HandlerContext } from "./handler-context.ts";
import { createReflectionBudget } from "./reflection-budget.ts";
import type { Served } from "./route.ts";

type Answer = MessageInit<ServerReflectionResponse>["messageResponse"];

/** `grpc.reflection` in both versions, over the descriptors that the generator recorded. */
export function reflectionOf(services: readonly Service<any>[]): Served[] {
  const catalogue = catalogueOf([...services, ServerReflection, ServerReflectionAlpha]);
  const budget = createReflectionBudget();

  async function* serverReflectionInfo(
    requests: AsyncIterable<ServerReflectionRequest>,
    { peer, draining }: HandlerContext,
  ): AsyncGenerator<MessageInit<ServerReflectionResponse>> {
    const sent = new Set<string>();
    const asked = requests[Symbol.asyncIterator]();
    const stop = (): void => void asked.return?.();
    draining.addEventListener("abort", stop, { once: true });
    for (let step = await asked.next(); step.done !== true; step = await asked.next()) {
      budget.check(peer);
      const messageResponse = answer(catalogue(), step.value, sent);
      budget.spend(peer, sizeOf(step.value, messageResponse));
      yield { validHost: step.value.host, originalRequest: step.value, messageResponse };
    }
    draining.throwIfAborted();
  }

  // Version 1 and 1alpha have the same messages on the wire; only the service's name differs.
  return [ServerReflection, ServerReflectionAlpha].map((service) => ({
    service,
    implementation: { serverReflectionInfo },
  }));
}

/** Bytes, roughly: the request is sent back with the answer. */
function sizeOf({ host, messageRequest }: ServerReflectionRequest, given: Answer): number {
  const asked = typeof messageRequest?.value === "string" ? messageRequest.value.length : 0;
  const files = given?.$case === "fileDescriptorResponse" ? (given.value?.fileDescriptorProto ?? []) : [];
  const services = given?.$case === "listServicesResponse" ? (given.value?.service?.length ?? 0) : 0;
  return files.reduce((sum, { length }) => sum + length, 2 * (host.length + asked) + 64 * services + 64);
}

function answer(catalogue: Catalogue, request: ServerReflectionRequest, sent: Set<string>): Answer {
  const { messageRequest: asked } = request;
  try {
    switch (asked?.$case) {
      case "fileByFilename":
        return filesFrom(found(catalogue.files.get(asked.value), `file ${asked.value}`), sent);
      case "fileContainingSymbol":
        return filesFrom(found(catalogue.symbols.get(asked.value), `symbol ${asked.value}`), sent);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        const file = catalogue.extensions.get(containingType)?.get(extensionNumber);
        return filesFrom(found(file, `extension ${extensionNumber} of ${containingType}`), sent);
      }
      case "allExtensionNumbersOfType": {
        found(catalogue.symbols.get(asked.value), `type ${asked.value}`);
        const extensionNumber = [...(catalogue.extensions.get(asked.value)?.keys() ?? [])];
        return {
          $case: "allExtensionNumbersResponse",
          value: { baseTypeName: asked.value, extensionNumber },
        };
      }
      case "listServices":
        return { $case: "listServicesResponse", value: { service: catalogue.services.map((name) => ({ name })) } };
      default:
        throw new RpcError(Code.INVALID_ARGUMENT, "a reflection request asks for nothing");
    }
  } catch (error) {
    const { code, message } = RpcError.from(error);
    return { $case: "errorResponse", value: { errorCode: code, errorMessage: message } };
  }
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RpcError(Code.NOT_FOUND, `this server has no ${what}`);
  return value;
}

/**
 * A file and everything it imports, the file first: what a client needs to build it. What it imports is sent once a
 * stream, as by the servers of other languages.
 */
function filesFrom(file: FileDescriptor, sent: Set<string>): Answer {
  const files = [...withImports([file]).values()].filter(({ name }) => name === file.name || !sent.has(name));
  for (const { name } of files) sent.add(name);
  const fileDescriptorProto = files.map(bytesOf);
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

interface Catalogue {
  readonly services: readonly string[];
  readonly files: ReadonlyMap<string, FileDescriptor>;
  readonly symbols: ReadonlyMap<string, FileDescriptor>;
  /** By the extended message, then by number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, FileDescriptor>>;
}

/** Made when the first client asks; most servers are never asked. */
function catalogueOf(services: readonly Service<any>[]): () => Catalogue {
  let made: Catalogue | undefined;
  return () => {
    made ??= makeCatalogue(services);
    return made;
  };
}

function makeCatalogue(services: readonly Service<any>[]): Catalogue {
  const files = withImports(services.flatMap(({ file }) => file ?? []));
  const symbols = new Map<string, FileDescriptor>();
  const extensions = new Map<string, Map<number, FileDescriptor>>();
  for (const file of files.values()) {
    const proto = fromBinary(FileDescriptorProtoSchema, bytesOf(file));
    for (const name of symbolsOf(proto)) symbols.set(name, file);
    for (const { extendee, number } of extensionsOf(proto)) {
      const numbers = extensions.get(extendee.slice(1)) ?? new Map<number, FileDescriptor>();
      extensions.set(extendee.slice(1), numbers.set(number, file));
    }
  }
  return { services: services.map(({ name }) => name), files, symbols, extensions };
}

const decoded = new WeakMap<FileDescriptor, Uint8Array>();

function bytesOf(file: FileDescriptor): Uint8Array {
  let bytes = decoded.get(file);
  if (bytes === undefined) {
    bytes = Buffer.from(file.base64, "base64");
    decoded.set(file, bytes);
  }
  return bytes;
}

function* symbolsOf(file: FileDescriptorProto): Generator<string> {
  const within = (scope: string, name: string): string => (scope === "" ? name : `${scope}.${name}`);
  for (const service of file.service) {
    yield within(file.package, service.name);
    for (const method of service.method) yield `${within(file.package, service.name)}.${method.name}`;
  }
  for (const each of file.enumType) yield within(file.package, each.name);
  for (const each of file.extension) yield within(file.package, each.name);
  yield* messagesIn(file.package, file.messageType);

  function* messagesIn(scope: string, messages: readonly DescriptorProto[]): Generator<string> {
    for (const message of messages) {
      const name = within(scope, message.name);
      yield name;
      for (const each of [...message.field, ...message.oneofDecl, ...message.enumType, ...message.extension]) {
        yield within(name, each.name);
      }
      yield* messagesIn(name, message.nestedType);
    }
  }
}

function extensionsOf(file: FileDescriptorProto): { extendee: string; number: number }[] {
  const nested = (messages: readonly DescriptorProto[]): FileDescriptorProto["extension"] =>
    messages.flatMap((message) => [...message.extension, ...nested(message.nestedType)]);
  return [...file.extension, ...nested(file.messageType)];
}

import { fromBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import type { ServerReflectionRequest, ServerReflectionResponse } from "../../gen/grpc/reflection/v1/reflection.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection.rpc.ts";
import { Code } from "../core/code.ts";
import type { MessageInit } from "../core/message.ts";
import type { FileDescriptor, Service } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Served } from "./route.ts";

type Answer = MessageInit<ServerReflectionResponse>["messageResponse"];

/** `grpc.reflection` in both versions, over the descriptors that the generator recorded. */
export function reflectionOf(services: readonly Service<any>[]): Served[] {
  const catalogue = catalogueOf([...services, ServerReflection, ServerReflectionAlpha]);

  async function* serverReflectionInfo(
    requests: AsyncIterable<ServerReflectionRequest>,
  ): AsyncGenerator<MessageInit<ServerReflectionResponse>> {
    for await (const request of requests) {
      yield { validHost: request.host, originalRequest: request, messageResponse: answer(catalogue(), request) };
    }
  }

  // Version 1 and 1alpha have the same messages on the wire; only the service's name differs.
  return [ServerReflection, ServerReflectionAlpha].map((service) => ({
    service,
    implementation: { serverReflectionInfo },
  }));
}

function answer(catalogue: Catalogue, { messageRequest: asked }: ServerReflectionRequest): Answer {
  try {
    switch (asked?.$case) {
      case "fileByFilename":
        return filesFrom(found(catalogue.files.get(asked.value), `file ${asked.value}`));
      case "fileContainingSymbol":
        return filesFrom(found(catalogue.symbols.get(asked.value), `symbol ${asked.value}`));
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        const file = catalogue.extensions.get(containingType)?.get(extensionNumber);
        return filesFrom(found(file, `extension ${extensionNumber} of ${containingType}`));
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

/** A file and everything it imports, the file first: what a client needs to build it. */
function filesFrom(file: FileDescriptor): Answer {
  const fileDescriptorProto = [...closure([file]).values()].map(bytesOf);
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
  const files = closure(services.flatMap(({ file }) => file ?? []));
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

function closure(roots: readonly FileDescriptor[]): Map<string, FileDescriptor> {
  const files = new Map<string, FileDescriptor>();
  const visit = (file: FileDescriptor): void => {
    if (files.has(file.name)) return;
    files.set(file.name, file);
    for (const dependency of file.dependencies) visit(dependency);
  };
  for (const root of roots) visit(root);
  return files;
}

function bytesOf(file: FileDescriptor): Uint8Array {
  return Buffer.from(file.base64, "base64");
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

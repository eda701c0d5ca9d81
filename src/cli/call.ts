import { type DescMethod, type FileRegistry, type Message, toJsonString } from "@bufbuild/protobuf";
import { makeCall } from "../client/make-call.ts";
import type { Metadata } from "../core/metadata.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type Command, command, type Values } from "./command.ts";
import { methodOf } from "./contract.ts";
import { dynamicMethod } from "./dynamic-method.ts";
import { linesOf, metadataFrom } from "./metadata-flags.ts";
import { note, print } from "./output.ts";
import { readProtoFiles } from "./proto-files.ts";
import { reflect } from "./reflection.ts";
import { manyRequests, oneRequest } from "./request-data.ts";
import { detailLine } from "./rich-details.ts";
import { openTarget, type Target, targetFlags } from "./target.ts";
import { UsageError } from "./usage-error.ts";

const flags = {
  data: {
    type: "string",
    multiple: true,
    short: "d",
    value: "JSON",
    summary: "A request; @FILE reads it from a file, @- from stdin. A stream takes one for each -d and each line.",
  },
  proto: { type: "string", multiple: true, value: "FILE", summary: "The contract; by default the server is asked." },
  "proto-path": { type: "string", multiple: true, short: "I", value: "DIR", summary: "Where imports are looked for." },
  ...targetFlags,
  header: { type: "string", multiple: true, short: "H", value: "'KEY: VALUE'", summary: "Metadata to send." },
  timeout: { type: "string", short: "t", value: "MS", summary: "Milliseconds the call may take; no limit by default." },
  defaults: { type: "boolean", summary: "Print fields that have their default, too." },
  verbose: { type: "boolean", short: "v", summary: "Show the metadata that the server sent." },
} as const;

type CallValues = Values<typeof flags>;

/** `trunkline call` */
export const call: Command = command({
  name: "call",
  usage: "<service>/<method> [flags]",
  description: "Calls a method: JSON in, JSON out. A stream of replies is printed as it comes, one line each.",
  flags,
  examples: [
    `trunkline call greeter.v1.Greeter/SayHello -d '{"name": "you"}' --address 127.0.0.1:50051`,
    `trunkline call greeter.v1.Greeter/Chat -d @- --proto greeter/v1/greeter.proto --registry etcd://127.0.0.1:2379`,
  ],
  async run({ values, positionals, signal }) {
    const { service, method } = pathOf(positionals);
    const options = { signal, timeoutMs: timeoutOf(values.timeout), metadata: metadataFrom(values.header ?? []) };
    const target = await openTarget(service, values);
    let contract: FileRegistry | undefined;
    try {
      contract = await contractFor(service, values, target, options);
      await callMethod(methodOf(contract, service, method), { contract, target, values, options });
      return 0;
    } catch (error) {
      if (signal.aborted) return 130;
      if (!RpcError.is(error)) throw error;
      if (values.verbose) showMetadata("trailer", error.metadata);
      note(`${error.codeName}: ${error.message}`);
      for (const detail of error.details) note(`  ${detailLine(detail, contract)}`);
      return 1;
    } finally {
      await target.close();
    }
  },
});

interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly metadata: Metadata;
}

function contractFor(service: string, values: CallValues, target: Target, options: CallOptions): Promise<FileRegistry> {
  if (values.proto !== undefined) return readProtoFiles(values.proto, values["proto-path"] ?? []);
  return reflect(target.channel, service, options);
}

interface Context {
  readonly contract: FileRegistry;
  readonly target: Target;
  readonly values: CallValues;
  readonly options: CallOptions;
}

/** All four kinds of method: what differs is how many requests are read, and how many replies are printed. */
async function callMethod(
  described: DescMethod,
  { contract: registry, target, values, options }: Context,
): Promise<void> {
  const method = dynamicMethod(described);
  const given = values.data ?? [];
  const requests = method.requestStream ? keepFailure(manyRequests(described, given, registry)) : undefined;
  const request = requests?.items ?? (await oneRequest(described, given, registry));
  const jsonOptions = { registry, alwaysEmitImplicit: values.defaults ?? false };
  try {
    const reply = await target.channel.handle(makeCall(method, request, 0, options));
    if (values.verbose) showMetadata("header", reply.header);
    if (method.responseStream) {
      for await (const message of reply.response as AsyncIterable<Message>) {
        await print(toJsonString(described.output, message, jsonOptions));
      }
    } else {
      await print(toJsonString(described.output, reply.response as Message, { ...jsonOptions, prettySpaces: 2 }));
    }
    if (values.verbose) showMetadata("trailer", reply.trailer);
  } catch (error) {
    throw requests?.failure() ?? error;
  }
}

/** Requests that cannot be read cancel the call; what the user wants to hear is why they cannot be read. */
function keepFailure<T>(items: AsyncIterable<T>): { readonly items: AsyncIterable<T>; failure(): unknown } {
  let failure: unknown;
  async function* kept(): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  return { items: kept(), failure: () => failure };
}

function showMetadata(kind: string, metadata: Metadata): void {
  for (const line of linesOf(metadata)) note(`${kind}: ${line}`);
}

function pathOf(positionals: readonly string[]): { readonly service: string; readonly method: string } {
  const [path = "", ...more] = positionals;
  const match = /^\/?([\w.]+)[/.](\w+)$/.exec(path);
  if (match === null) {
    throw new UsageError(`"${path}" names no method: write <service>/<method>, as in greeter.v1.Greeter/SayHello`);
  }
  if (more.length > 0) throw new UsageError(`one method at a time: what is "${more[0]}" for? Requests are given by -d`);
  return { service: match[1] ?? "", method: match[2] ?? "" };
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const timeoutMs = Number(text);
  if (!(timeoutMs > 0 && Number.isFinite(timeoutMs))) {
    throw new UsageError(`--timeout ${text}: give a number of milliseconds above 0`);
  }
  return timeoutMs;
}

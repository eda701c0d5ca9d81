import type { DescMethod, FileRegistry, JsonWriteOptions, Message } from "@bufbuild/protobuf";
import { makeCall } from "../client/make-call.ts";
import { Code } from "../core/code.ts";
import type { Metadata } from "../core/metadata.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { JsonValue } from "../json/message-json.ts";
import { writeJson } from "../json/write-json.ts";
import { type CallValues, callFlags, type Path, pathOf, unaryTimeoutMs } from "./call-flags.ts";
import { type Command, command } from "./command.ts";
import { methodForgotten, methodOf } from "./contract.ts";
import { dynamicMethod } from "./dynamic-method.ts";
import { errorLine } from "./error-line.ts";
import { linesOf, metadataFrom } from "./metadata-flags.ts";
import { readProtoFiles } from "./proto-files.ts";
import { reflect } from "./reflection.ts";
import { patienceMs, servedNow } from "./registry-view.ts";
import { manyRequests, oneRequest } from "./request-data.ts";
import { detailLine } from "./rich-details.ts";
import { openTarget, type Target } from "./target.ts";
import type { Terminal } from "./terminal.ts";
import { timeoutOf } from "./timeout-flag.ts";
import { UsageError } from "./usage-error.ts";

/** `trunkline call` */
export const call: Command = command({
  name: "call",
  usage: "<service>/<method> [flags]",
  description: "Calls a method: JSON in, JSON out. A stream of replies is printed as it comes, one line each.",
  flags: callFlags,
  examples: [
    `trunkline call greeter.v1.Greeter/SayHello -d '{"name": "you"}' --address 127.0.0.1:50051`,
    `trunkline call greeter.v1.Greeter/Chat -d @- --proto greeter/v1/greeter.proto --registry etcd://127.0.0.1:2379`,
  ],
  async run({ values, positionals, terminal, signal }) {
    const path = pathOf(positionals);
    const { service, method } = path;
    const options = { signal, timeoutMs: timeoutOf(values.timeout), metadata: metadataFrom(values.header ?? []) };
    const target = await openTarget(service, values, terminal);
    let contract: FileRegistry | undefined;
    try {
      contract = await contractFor(service, values, target, options);
      await callMethod(methodOf(contract, service, method), { contract, target, values, options, terminal });
      return 0;
    } catch (error) {
      if (signal.aborted) return 130;
      if (!RpcError.is(error)) throw error;
      if (contract === undefined) await askWhetherService(path, { values, options, terminal, error });
      if (values.verbose) showMetadata(terminal, "trailer", error.metadata);
      terminal.note(errorLine(error).replace(noEndpoint, () => target.nobody));
      for (const detail of error.details) terminal.note(`  ${detailLine(detail, contract)}`);
      return 1;
    } finally {
      await target.close();
    }
  },
});

/** How a channel begins to say that it has no server: of reflection, say, which is not what the user called. */
const noEndpoint = /\bno endpoint of \S+( that serves \S+)?/;

interface CallOptions {
  readonly signal: AbortSignal;
  /** As it was given; each thing that is waited for has a default of its own. */
  readonly timeoutMs: number | undefined;
  readonly metadata: Metadata;
}

async function contractFor(
  service: string,
  values: CallValues,
  target: Target,
  options: CallOptions,
): Promise<FileRegistry> {
  if (values.proto !== undefined) return readProtoFiles(values.proto, values["proto-path"] ?? []);
  let served = service;
  if (target.registry !== undefined) {
    const patience = { signal: options.signal, timeoutMs: options.timeoutMs ?? patienceMs };
    const failure = (message: string) => new RpcError(Code.UNAVAILABLE, message);
    ({ service: served } = await servedNow(target.registry, service, patience, failure));
    target.turnTo(served);
  }
  return reflect(target.channel, served, { ...options, timeoutMs: options.timeoutMs ?? unaryTimeoutMs });
}

interface Failed {
  readonly values: CallValues;
  readonly options: CallOptions;
  readonly terminal: Terminal;
  readonly error: RpcError;
}

/** @throws UsageError where what was to be called is a service, whose method was forgotten */
async function askWhetherService({ dotted }: Path, { values, options, terminal, error }: Failed): Promise<void> {
  if (dotted === undefined || error.code === Code.DEADLINE_EXCEEDED) return;
  const target = await openTarget(dotted, values, { ...terminal, note() {} });
  try {
    const service = (await contractFor(dotted, values, target, options)).getService(dotted);
    if (service !== undefined) throw methodForgotten(service);
  } catch (failure) {
    if (failure instanceof UsageError) throw failure;
  } finally {
    await target.close();
  }
}

interface Context {
  readonly contract: FileRegistry;
  readonly target: Target;
  readonly values: CallValues;
  readonly options: CallOptions;
  readonly terminal: Terminal;
}

/** All four kinds of method: what differs is how many requests are read, and how many replies are printed. */
async function callMethod(described: DescMethod, context: Context): Promise<void> {
  const { contract: registry, target, values, options, terminal } = context;
  const method = dynamicMethod(described);
  const given = { data: values.data ?? [], stdin: terminal.stdin, registry, signal: options.signal };
  const requests = method.requestStream ? keepFailure(manyRequests(described, given)) : undefined;
  const request = requests?.items ?? (await oneRequest(described, given));
  const jsonOf = (reply: Message, spaces?: number): string =>
    JSON.stringify(
      replyJson(described, reply, { registry, alwaysEmitImplicit: values.defaults ?? false }),
      null,
      spaces,
    );
  const timeoutMs = method.kind === "unary" ? unaryTimeoutMs : 0;
  let opened = false;
  try {
    const reply = await target.channel.handle(makeCall(method, request, { timeoutMs, waitForReady: false }, options));
    opened = true;
    if (values.verbose) showMetadata(terminal, "header", reply.header);
    if (method.responseStream) {
      for await (const message of reply.response as AsyncIterable<Message>) {
        await terminal.print(jsonOf(message));
      }
    } else {
      await terminal.print(...jsonOf(reply.response as Message, 2).split("\n"));
    }
    if (values.verbose) showMetadata(terminal, "trailer", reply.trailer);
  } catch (error) {
    if (values.verbose && !opened && RpcError.is(error)) showMetadata(terminal, "header", error.header);
    throw requests?.failure() ?? error;
  }
}

/** @throws RpcError where JSON has no form for it: a time of the year 10,000, an `Any` of a type that the contract lacks */
function replyJson({ output }: DescMethod, reply: Message, options: Partial<JsonWriteOptions>): JsonValue {
  try {
    return writeJson(output, reply, options);
  } catch (cause) {
    throw new RpcError(Code.INTERNAL, `the reply has no form in JSON: ${(cause as Error).message}`, { cause });
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

function showMetadata({ note }: Terminal, kind: string, metadata: Metadata): void {
  note(...linesOf(metadata).map((line) => `${kind}: ${line}`));
}

import { createReadStream } from "node:fs";
import { addAbortSignal, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { DescMethod, Message, Registry } from "@bufbuild/protobuf";
import { readJsonText } from "../json/read-json.ts";
import { UsageError } from "./usage-error.ts";

export interface RequestData {
  /** What each `-d` was given. */
  readonly data: readonly string[];
  /** What `@-` reads. */
  readonly stdin: Readable;
  /** The types that an `Any` may hold. */
  readonly registry: Registry;
  /** Ends the reading of a file or of stdin. */
  readonly signal: AbortSignal;
}

/** Where a `-d` takes its text from. */
interface Source {
  /** For messages: `-d`, `-d @requests.ndjson`. */
  readonly name: string;
  readonly inline: string | undefined;
  open(): Readable;
}

/**
 * The one request of a method that takes one; an empty message where none is given.
 * @throws UsageError that says which field does not fit
 */
export async function oneRequest(method: DescMethod, { data, stdin, registry, signal }: RequestData): Promise<Message> {
  if (data.length > 1) throw new UsageError(`${method.name} takes one request, but -d was given ${data.length} times`);
  const source = sourceOf(data[0] ?? "{}", stdin, signal);
  return decode(method, source.inline ?? (await read(source)), source.name, registry);
}

/**
 * The requests of a method that takes a stream: each `-d` is one, and each line of a file. A line is read when it can be
 * sent.
 */
export async function* manyRequests(
  method: DescMethod,
  { data, stdin, registry, signal }: RequestData,
): AsyncGenerator<Message> {
  for (const source of data.map((each) => sourceOf(each, stdin, signal))) {
    if (source.inline !== undefined) {
      yield decode(method, source.inline, source.name, registry);
      continue;
    }
    let number = 0;
    for await (const line of lines(source)) {
      number++;
      if (line.trim() !== "") yield decode(method, line, `${source.name}, line ${number}`, registry);
    }
  }
}

function sourceOf(given: string, stdin: Readable, signal: AbortSignal): Source {
  if (!given.startsWith("@")) return { name: "-d", inline: given, open: () => stdin };
  const path = given.slice(1);
  const open = () => addAbortSignal(signal, path === "-" ? stdin : createReadStream(path));
  return { name: `-d ${given}`, inline: undefined, open };
}

async function read(source: Source): Promise<string> {
  try {
    return await text(source.open());
  } catch (error) {
    throw unreadable(source, error as Error);
  }
}

async function* lines(source: Source): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of source.open().setEncoding("utf8")) {
      const found = `${rest}${chunk}`.split(/\r?\n/);
      rest = found.pop() ?? "";
      yield* found;
    }
  } catch (error) {
    throw unreadable(source, error as Error);
  }
  yield rest;
}

function unreadable({ name }: Source, error: Error): UsageError {
  return new UsageError(`cannot read ${name}: ${error.message}`);
}

function decode(method: DescMethod, json: string, from: string, registry: Registry): Message {
  try {
    return readJsonText(method.input, json, { registry });
  } catch (error) {
    throw new UsageError(`${from}: ${(error as Error).message}`);
  }
}

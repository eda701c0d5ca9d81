import { createReadStream } from "node:fs";
import { addAbortSignal, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { isObject, type JsonObject } from "../core/json-object.ts";
import { UsageError } from "./usage-error.ts";

/** What a file says a policy is to be. */
export interface PolicyFile {
  readonly policy: JsonObject;
  /** The revision that it was made from, where it says so. */
  readonly revision?: number | undefined;
}

/**
 * Reads a policy, or all that `policy get --json` prints of one: then it is changed from that revision.
 * @param path `-` is stdin
 * @throws UsageError (rejects with it) for what cannot be read or is none
 */
export async function readPolicyFile(path: string, stdin: Readable, signal: AbortSignal): Promise<PolicyFile> {
  const given = parsed(await contentOf(path, stdin, signal));
  if (!isObject(given)) throw new UsageError('--file: give an object, such as {"timeoutMs":500}');
  if (!isObject(given.policy)) return { policy: given };
  return { policy: given.policy, ...(typeof given.revision === "number" && { revision: given.revision }) };
}

async function contentOf(path: string, stdin: Readable, signal: AbortSignal): Promise<string> {
  try {
    return await text(addAbortSignal(signal, path === "-" ? stdin : createReadStream(path)));
  } catch (error) {
    throw new UsageError(`cannot read --file ${path}: ${(error as Error).message}`);
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(`--file: it is no JSON: ${(error as Error).message}`);
  }
}

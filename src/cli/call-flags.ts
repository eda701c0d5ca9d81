import { shownUri } from "../core/shown-uri.ts";
import type { ListFlag, Switch, TextFlag, Values } from "./command.ts";
import { targetFlags } from "./target.ts";
import { timeoutFlag } from "./timeout-flag.ts";
import { UsageError } from "./usage-error.ts";

/** Milliseconds that a call without streams may take by default, and that the contract may take to be had. */
export const unaryTimeoutMs = 30_000;

type CallFlags = Readonly<
  Record<"data" | "proto" | "proto-path" | "header", ListFlag> &
    Record<"timeout", TextFlag> &
    Record<"defaults" | "verbose", Switch>
> &
  typeof targetFlags;

/** The flags of `trunkline call`. */
export const callFlags: CallFlags = {
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
  timeout: timeoutFlag(
    `Milliseconds the call may take; ${unaryTimeoutMs} by default, without limit for streams, 0 for no limit.`,
  ),
  defaults: { type: "boolean", summary: "Print fields that have their default, too." },
  verbose: { type: "boolean", short: "v", summary: "Show the metadata that the server sent." },
};

export type CallValues = Values<CallFlags>;

export interface Path {
  readonly service: string;
  readonly method: string;
  /** The whole, where a dot stands before the method: a service may have been meant, its method forgotten. */
  readonly dotted: string | undefined;
}

/** @throws UsageError where the arguments name no method */
export function pathOf(positionals: readonly string[]): Path {
  const [path = "", ...more] = positionals;
  const match = /^\/?([\w.]+)[/.](\w+)$/.exec(path);
  if (match === null) {
    throw new UsageError(
      `"${shownUri(path)}" names no method: write <service>/<method>, as in greeter.v1.Greeter/SayHello`,
    );
  }
  if (more.length > 0)
    throw new UsageError(`one method at a time: what is "${shownUri(more[0] ?? "")}" for? Requests are given by -d`);
  const [, service = "", method = ""] = match;
  return { service, method, dotted: path.includes("/") ? undefined : path };
}

import { Code } from "../../../core/code.ts";
import { now } from "../../../core/deadline.ts";
import { RpcError } from "../../../core/rpc-error.ts";
import type { Host, Hosts } from "./hosts.ts";

export interface AskOptions {
  /** Milliseconds without an answer after which another host is asked as well. */
  readonly hedgeMs: number;
  /** Milliseconds that each host has for its answer. */
  readonly callTimeoutMs: number;
}

export type Attempt<T> = (
  host: Host,
  limits: { readonly signal: AbortSignal; readonly deadline: number },
) => Promise<T>;

/**
 * Asks a host, and others beside it as long as none has answered: at once where one fails, every `hedgeMs` where one is
 * silent. The first answer stands, be it that etcd refuses. Where all have been asked and are silent they are asked
 * again, ever more slowly: a host that waits for a leader which is gone does not look for the new one, but a request that
 * comes after the election finds it.
 */
export function ask<T>(hosts: Hosts, attempt: Attempt<T>, { hedgeMs, callTimeoutMs }: AskOptions): Promise<T> {
  const order = hosts.inOrder();
  const over = new AbortController();
  const giveUpAt = now() + callTimeoutMs;
  const errors: unknown[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let asked = 0;
  let pending = 0;
  let pauseMs = hedgeMs;
  let timer: NodeJS.Timeout | undefined;

  const settle = () => {
    clearTimeout(timer);
    over.abort();
  };
  const next = () => {
    clearTimeout(timer);
    const host = order[asked++ % order.length] as Host;
    pending++;
    if (asked > order.length) pauseMs *= 2;
    const mayAskAgain = order.length > 1 && now() + pauseMs < giveUpAt;
    if (asked < order.length || mayAskAgain) timer = setTimeout(next, pauseMs).unref();
    attempt(host, { signal: over.signal, deadline: now() + callTimeoutMs }).then(
      (value) => {
        if (over.signal.aborted) return;
        hosts.answered(host);
        settle();
        resolve(value);
      },
      (error: unknown) => {
        pending--;
        if (over.signal.aborted) return;
        errors.push(error);
        if (isAnswer(error)) {
          hosts.answered(host);
          settle();
          reject(error);
        } else if (asked < order.length) next();
        else if (pending === 0) {
          settle();
          reject(mostTelling(errors));
        }
      },
    );
  };
  next();
  return promise;
}

const answers: ReadonlySet<Code> = new Set([
  Code.INVALID_ARGUMENT,
  Code.NOT_FOUND,
  Code.ALREADY_EXISTS,
  Code.PERMISSION_DENIED,
  Code.RESOURCE_EXHAUSTED,
  Code.FAILED_PRECONDITION,
  Code.OUT_OF_RANGE,
  Code.UNAUTHENTICATED,
]);

/** True where etcd itself refuses, and every host would. */
function isAnswer(error: unknown): boolean {
  return RpcError.is(error) && answers.has(error.code);
}

/** What a host said of itself says more than that another kept silent. */
function mostTelling(errors: readonly unknown[]): unknown {
  const said = errors.filter((error) => !RpcError.is(error) || error.code !== Code.DEADLINE_EXCEEDED);
  return said.at(-1) ?? errors.at(-1);
}

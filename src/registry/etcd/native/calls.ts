import { Call } from "../../../core/call.ts";
import type { MessageInit } from "../../../core/message.ts";
import { Metadata } from "../../../core/metadata.ts";
import type { Method } from "../../../core/method.ts";
import type { Host } from "./hosts.ts";

export interface CallLimits {
  readonly signal: AbortSignal;
  readonly deadline: number;
}

/** Calls at one host, with the login's token. */
export interface Calls {
  unary<I, O>(method: Method<I, O>, request: MessageInit<I>, host: Host, limits: CallLimits): Promise<O>;
  /** The first reply of a stream that is sent one request, and then left. */
  first<I, O>(method: Method<I, O>, request: MessageInit<I>, host: Host, limits: CallLimits): Promise<O>;
  stream<I, O>(
    method: Method<I, O>,
    requests: AsyncIterable<MessageInit<I>>,
    host: Host,
    limits: CallLimits,
  ): Promise<AsyncIterable<O>>;
}

export function createCalls(tokenOf: () => string | undefined): Calls {
  // A host that has lost its cluster's leader says so, instead of serving what it has.
  const metadata = () => {
    const token = tokenOf();
    return Metadata.from(token === undefined ? { hasleader: "true" } : { hasleader: "true", token });
  };

  const call = async (method: Method, request: unknown, host: Host, { signal, deadline }: CallLimits) => {
    const reply = await host.peer.handle(
      new Call({ method, request, metadata: metadata(), deadline, cancellation: signal, background: true }),
    );
    return reply.response as never;
  };
  const whole = (method: Method, request: unknown) => method.request.fromPartial(request as never);

  return {
    unary: (method, request, host, limits) => call(method, whole(method, request), host, limits),
    async first(method, request, host, limits) {
      for await (const reply of await this.stream(method, only(request), host, limits)) return reply;
      throw new Error(`${host.address} ended ${method.path} without an answer`);
    },
    stream(method, requests, host, limits) {
      return call(
        method,
        mapped(requests, (request) => whole(method, request)),
        host,
        limits,
      );
    },
  };
}

async function* only<T>(item: T): AsyncGenerator<T> {
  yield item;
}

async function* mapped<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield map(item);
}

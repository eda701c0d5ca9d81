import { afterEach } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import type { CollectReply, ExpandRequest, Payload } from "../../../gen/probe/v1/probe.ts";
import { Call, type CallInit, type Reply } from "../../../src/core/call.ts";
import { Code } from "../../../src/core/code.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { Method } from "../../../src/core/method.ts";
import { RpcError } from "../../../src/core/rpc-error.ts";
import type {
  Acceptor,
  ConnectOptions,
  Listener,
  ListenOptions,
  Peer,
  Transport,
} from "../../../src/core/transport.ts";
import { createProxy } from "../../support/proxy.ts";

/** A wire under test. */
export interface Wire {
  readonly transport: Transport;
  /** What every server and every client of the suite is given, as TLS. */
  readonly listen?: ListenOptions;
  readonly connect?: ConnectOptions;
  /** Breaks the connections to an address, where a proxy on a socket cannot. */
  readonly disconnect?: (address: string) => void;
}

/** What a wire can do beyond what every wire must. The tests of what it cannot are not there at all. */
export interface Abilities {
  /** Goes over sockets: host names, IPv6, Unix sockets, peers that say nothing. */
  readonly sockets: boolean;
  readonly tls: boolean;
  readonly compressedRequests: boolean;
  readonly compressedReplies: boolean;
  /** Keeps the values of a text key apart, where others join them by a comma. */
  readonly separateTextValues: boolean;
  /** Hands over the messages that came before an error to a reader who is slower than the error. */
  readonly messagesBeforeErrors: boolean;
}

export type Answer = (call: Call) => Reply | Promise<Reply>;
/** By the methods' names in TypeScript. */
export type Answers = Readonly<Record<string, Answer>>;

export interface World {
  readonly wire: Wire;
  /** Serves Probe; what is not given answers as the `.proto` says. */
  serve(answers?: Answers, options?: ListenOptions, address?: string): Promise<Listener>;
  /** Serves whatever the acceptor knows. */
  listen(acceptor: Acceptor, options?: ListenOptions, address?: string): Promise<Listener>;
  dial(address: string, options?: ConnectOptions): Peer;
  /** Serves and connects. */
  pair(answers?: Answers, options?: { listen?: ListenOptions; connect?: ConnectOptions }): Promise<Pair>;
  /** A way to a server that can be cut. */
  cuttable(address: string): Promise<{ readonly address: string; cut(): void }>;
  /** Runs when the test is over. */
  after(work: () => unknown): void;
}

export interface Pair {
  readonly listener: Listener;
  readonly peer: Peer;
}

/** Opens a fresh network for each test, and closes what the test has left open. */
export function createWorld(make: () => Wire): () => World {
  let left: (() => unknown)[] = [];
  afterEach(async () => {
    const all = left;
    left = [];
    // At once: a peer closes when its streams have ended, which may take the end of the listener.
    await Promise.all(all.map((work) => work()));
  });
  return () => {
    const wire = make();
    const after = (work: () => unknown): void => void left.push(work);
    const world: World = {
      wire,
      after,
      async listen(acceptor, options = {}, address = "127.0.0.1:0") {
        const listener = await wire.transport.listen(address, acceptor, { ...wire.listen, ...options });
        after(() => listener.close());
        return listener;
      },
      serve: (answers = {}, options = {}, address = "127.0.0.1:0") => world.listen(probe(answers), options, address),
      dial(address, options = {}) {
        const peer = wire.transport.connect({ address }, { ...wire.connect, ...options });
        after(() => peer.close());
        return peer;
      },
      async pair(answers, options = {}) {
        const listener = await world.serve(answers, options.listen);
        return { listener, peer: world.dial(listener.address, options.connect) };
      },
      async cuttable(address) {
        const { disconnect } = wire;
        if (disconnect !== undefined) return { address, cut: () => disconnect(address) };
        const proxy = await createProxy(address);
        after(() => proxy.close());
        return proxy;
      },
    };
    return world;
  };
}

/** An acceptor for Probe. */
export function probe(answers: Answers = {}): Acceptor {
  const all = { ...defaults, ...answers };
  const methods = new Map(Object.entries(Probe.methods).map(([key, method]) => [method.path, { key, method }]));
  return {
    method: (path) => methods.get(path)?.method,
    unknown: (path) => new RpcError(Code.UNIMPLEMENTED, `there is no ${path} here`),
    handle(call) {
      const key = methods.get(call.method.path)?.key ?? "";
      return (all[key] as Answer)(call);
    },
  };
}

const defaults: Answers = {
  // As a server does: a request that is decoded late may have to wait for room.
  echo: (call) => (call.late === undefined ? reply(call.request) : call.late.ready().then(() => reply(call.request))),
  expand: (call) => reply(expanded(call.request as ExpandRequest)),
  async collect(call) {
    let count = 0;
    let bytes = 0n;
    for await (const { data } of requests(call)) {
      count += 1;
      bytes += BigInt(data.length);
    }
    return reply({ count, bytes } satisfies CollectReply);
  },
  converse: (call) => reply(requests(call)),
};

async function* expanded({ count, size }: ExpandRequest): AsyncGenerator<Payload> {
  for (let i = 0; i < count; i += 1) yield payload(`${i}`, size);
}

/** A reply, with metadata where it is given. */
export function reply(response: unknown, header = Metadata.EMPTY, trailer = Metadata.EMPTY): Reply {
  return { response, header, trailer };
}

/** The requests of a call, as a stream of Payload. */
export function requests(call: Call): AsyncIterable<Payload> {
  return call.request as AsyncIterable<Payload>;
}

/** The responses of a reply, as a stream of Payload. */
export function responses({ response }: Reply): AsyncIterableIterator<Payload> {
  return response as AsyncIterableIterator<Payload>;
}

export function payload(text = "", size = 0): Payload {
  return { text, data: new Uint8Array(size) };
}

export async function texts(stream: AsyncIterable<Payload>): Promise<string[]> {
  const all: string[] = [];
  for await (const { text } of stream) all.push(text);
  return all;
}

type Rest = Omit<CallInit, "method" | "request">;

export function echo(peer: Peer, message: Payload = payload("hello"), rest: Rest = {}): Promise<Reply> {
  return call(peer, Probe.methods.echo, message, rest);
}

export function expand(peer: Peer, request: Partial<ExpandRequest> = {}, rest: Rest = {}): Promise<Reply> {
  return call(peer, Probe.methods.expand, { count: 3, size: 0, delayMs: 0, ...request }, rest);
}

export function collect(peer: Peer, messages: AsyncIterable<Payload>, rest: Rest = {}): Promise<Reply> {
  return call(peer, Probe.methods.collect, messages, rest);
}

export function converse(peer: Peer, messages: AsyncIterable<Payload>, rest: Rest = {}): Promise<Reply> {
  return call(peer, Probe.methods.converse, messages, rest);
}

export function call(peer: Peer, method: Method, request: unknown, rest: Rest = {}): Promise<Reply> {
  return peer.handle(new Call({ ...rest, method, request }));
}

/** The error that a promise rejects with. Fails where it resolves, or rejects with something else. */
export async function failure(promise: Promise<unknown>): Promise<RpcError> {
  const value = await promise.then(
    (resolved) => new Error(`it resolved with ${JSON.stringify(resolved)}`),
    (error: unknown) => error,
  );
  if (RpcError.is(value)) return value;
  throw value;
}

/** An event that a test awaits. */
export interface Event<T = void> {
  readonly happened: Promise<T>;
  happen(value: T): void;
}

export function event<T = void>(): Event<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { happened: promise, happen: resolve };
}

/** Awaits a condition on a peer; hand `changed` in with the peer's options. */
export function watch(): { readonly changed: () => void; until(condition: () => boolean): Promise<void> } {
  const watchers = new Set<() => void>();
  return {
    changed() {
      for (const look of [...watchers]) look();
    },
    until(condition) {
      return new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      });
    },
  };
}

/** Reads the requests of a call that is going to be cancelled, and resolves with the reason. */
export function readUntilCancelled(call: Call): Promise<RpcError> {
  return failure(texts(requests(call)));
}

/** Rejects when the call is cancelled: for handlers that wait for nothing else. */
export function cancelled({ signal }: Call): Promise<never> {
  return new Promise((_, reject) => {
    const over = (): void => reject(signal?.reason);
    if (signal?.aborted) over();
    else signal?.addEventListener("abort", over, { once: true });
  });
}

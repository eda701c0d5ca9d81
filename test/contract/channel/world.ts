import {
  type Channel,
  type ChannelOptions,
  type Client,
  createChannel,
  createClient,
  createServer,
  type Implementation,
  type ServerOptions,
} from "trunkline";
import { afterEach } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import type { Service } from "../../../src/core/method.ts";
import type { Transport } from "../../../src/core/transport.ts";
import { event } from "../transport/world.ts";

type Served = Implementation<typeof Probe>;

export interface World {
  readonly transport: Transport;
  /** Serves Probe, which answers as its `.proto` says where nothing is given. */
  serve(implementation?: Partial<Served>, options?: ServerOptions): Promise<string>;
  serveOther<M>(service: Service<M>, implementation: unknown, options?: ServerOptions): Promise<string>;
  /** An address where nobody listens until `start` is called, nor after `stop`. */
  later(): Promise<{ readonly address: string; start(): Promise<unknown>; stop(): Promise<void> }>;
  channel(addresses: readonly string[], options?: Partial<ChannelOptions>): Channel;
  probe(addresses: readonly string[], options?: Partial<ChannelOptions>): Client<typeof Probe>;
  /** Runs when the test is over. */
  after(work: () => unknown): void;
}

/** Opens a fresh network for each test, and closes what the test has left open. */
export function createWorld(make: () => Transport): () => World {
  let left: (() => unknown)[] = [];
  afterEach(async () => {
    const all = left.reverse();
    left = [];
    for (const work of all) await work();
  });
  return () => {
    const transport = make();
    const world: World = {
      transport,
      after: (work) => void left.push(work),
      serve: (implementation = {}, options = {}) =>
        world.serveOther(Probe, { ...asDeclared, ...implementation }, options),
      async serveOther(service, implementation, options = {}) {
        const server = createServer({ ...options, transport });
        server.add(service as Service<any>, implementation as never);
        world.after(() => server.close({ timeoutMs: 0, quietMs: 0 }));
        return server.listen("127.0.0.1:0");
      },
      async later() {
        const taken = createServer({ transport });
        const address = await taken.listen("127.0.0.1:0");
        await taken.close({ timeoutMs: 0, quietMs: 0 });
        let server = taken;
        const stop = () => server.close({ timeoutMs: 0, quietMs: 0 });
        world.after(stop);
        const start = () => {
          server = createServer({ transport }).add(Probe, asDeclared);
          return server.listen(address);
        };
        return { address, start, stop };
      },
      channel(endpoints, options = {}) {
        const channel = createChannel({ ...options, transport, endpoints } as ChannelOptions);
        world.after(() => channel.close(0));
        return channel;
      },
      probe: (addresses, options) => createClient(Probe, world.channel(addresses, options)),
    };
    return world;
  };
}

const asDeclared: Served = {
  echo: (request) => request,
  async *expand({ count }) {
    for (let i = 0; i < count; i++) yield { text: `${i}` };
  },
  async collect(requests) {
    let count = 0;
    for await (const _ of requests) count++;
    return { count };
  },
  async *converse(requests) {
    yield* requests;
  },
};

/** What a promise rejects with. Fails where it resolves. */
export async function failure(promise: Promise<unknown>): Promise<any> {
  const value = await promise.then(
    (resolved) => new Error(`it resolved with ${JSON.stringify(resolved)}`),
    (error: unknown) => ({ error }),
  );
  if (value instanceof Error) throw value;
  return value.error;
}

export async function collected<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of stream) all.push(message);
  return all;
}

/** A source that never yields of itself, or `count` messages, and says when it is let go of. */
export function sourceOf(count = 0) {
  const released = event();
  let left = count;
  const stuck = Promise.withResolvers<IteratorResult<object>>();
  const source = {
    returns: 0,
    released,
    [Symbol.asyncIterator]() {
      return this;
    },
    next(): Promise<IteratorResult<object>> {
      if (count === 0) return stuck.promise;
      return Promise.resolve(left-- > 0 ? { done: false, value: {} } : { done: true, value: undefined });
    },
    async return(): Promise<IteratorResult<object>> {
      source.returns++;
      stuck.resolve({ done: true, value: undefined });
      released.happen();
      return { done: true, value: undefined };
    },
  };
  return source;
}

import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter, on, once } from "node:events";
import { Code, type Interceptor, Metadata, RpcError } from "trunkline";
import { describe, expect, test } from "vitest";
import { greeterPair, type PairOptions } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";
import { query } from "../support/query.ts";
import { wires } from "../support/wires.ts";

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(() => expect.fail("it succeeded"), RpcError.from);
const event = (): PromiseWithResolvers<void> => Promise.withResolvers();

describe.each(wires)("over %s", (name, wire) => {
  const pairOf = (options: PairOptions = {}) => {
    const transport = wire();
    const { server, channel, implementation = {} } = options;
    return greeterPair({
      implementation,
      server: { ...server, transport },
      channel: { ...channel, transport },
    });
  };

  test("what a handler leaves running calls for itself once the call has been answered", async () => {
    await using behind = await pairOf();
    const go = event();
    const late = Promise.withResolvers<string>();
    await using front = await pairOf({
      implementation: {
        sayHello(request, context) {
          const working = async () => {
            await go.promise;
            return (await behind.greeter.sayHello(request, { timeoutMs: 5_000 })).message;
          };
          working().then(late.resolve, late.reject);
          return { message: `${context.remainingMs}` };
        },
      },
    });
    await front.greeter.sayHelloAgain({});
    const { message } = await front.greeter.sayHello({ name: "Ada" }, { timeoutMs: 200 });
    await new Promise((resolve) => setTimeout(resolve, Number(message) + 20));
    go.resolve();
    expect(await late.promise).toBe("Hello Ada");
  });

  test("what a handler calls inherits the deadline and the cancellation that an interceptor gave its call", async () => {
    await using behind = await pairOf({
      implementation: { sayHello: (_request, { remainingMs }) => ({ message: `${remainingMs}` }) },
    });
    const patience = new AbortController();
    const tighter: Interceptor = (next) => (call) =>
      next(call.with({ deadline: performance.now() + 1_000, cancellation: patience.signal }));
    const late = Promise.withResolvers<string>();
    const go = event();
    await using front = await pairOf({
      server: { interceptors: [tighter] },
      implementation: {
        sayHello: (request) => behind.greeter.sayHello(request),
        async sayHelloAgain(request) {
          go.promise
            .then(() => behind.greeter.sayHello(request))
            .then(({ message }) => late.resolve(message), late.reject);
          patience.abort();
          return { message: `${await failure(behind.greeter.sayHello(request))}` };
        },
      },
    });
    const { message } = await front.greeter.sayHello({}, { timeoutMs: 60_000 });
    expect(Number(message)).toBeLessThanOrEqual(1_000);
    expect((await front.greeter.sayHelloAgain({}, { timeoutMs: 60_000 })).message).toContain("CANCELLED");
    go.resolve();
    expect(Number(await late.promise)).toBeGreaterThan(1_000);
  });

  test("what a stream's handler leaves running belongs to the stream until that has ended", async () => {
    await using behind = await pairOf();
    const go = event();
    const late = Promise.withResolvers<number[]>();
    const left: number[] = [];
    const note: Interceptor = (next) => (call) => {
      left.push(call.remainingMs);
      return next(call);
    };
    await using inner = await pairOf({ channel: { interceptors: [note] } });
    await using front = await pairOf({
      implementation: {
        async *chat(_hellos) {
          const working = async () => {
            await inner.greeter.sayHello({}, { timeoutMs: 60_000 });
            await go.promise;
            await inner.greeter.sayHello({}, { timeoutMs: 60_000 });
          };
          const worked = working();
          worked.then(() => late.resolve(left), late.reject);
          yield await behind.greeter.sayHello({ name: "Ada" });
        },
      },
    });
    for await (const { message } of front.greeter.chat([], { timeoutMs: 5_000 })) expect(message).toBe("Hello Ada");
    go.resolve();
    const [during = 0, after = 0] = await late.promise;
    expect(during).toBeLessThanOrEqual(5_000);
    expect(after).toBeGreaterThan(5_000);
  });

  test("what the handler of a cancelled call calls is cancelled, and what it leaves running is not", async () => {
    await using behind = await pairOf();
    const leaving = new AbortController();
    const within = Promise.withResolvers<RpcError>();
    const go = event();
    const late = Promise.withResolvers<string>();
    const working = async () => {
      await go.promise;
      return (await behind.greeter.sayHello({ name: "Ada" })).message;
    };
    await using front = await pairOf({
      implementation: {
        async sayHello(_request, { signal }) {
          working().then(late.resolve, late.reject);
          leaving.abort();
          await once(signal, "abort");
          within.resolve(await failure(behind.greeter.sayHello({})));
          // Its end is seen in the turn that follows.
          setTimeout(go.resolve);
          return {};
        },
      },
    });
    await failure(front.greeter.sayHello({}, { signal: leaving.signal }));
    expect(await within.promise).toMatchObject({ code: Code.CANCELLED });
    expect(await late.promise).toBe("Hello Ada");
  });

  test.each(["a unary reply", "a stream"])(
    "what a handler returns is awaited where it has a then: %s",
    async (what) => {
      const unary = what === "a unary reply";
      const chat = () =>
        query(async function* () {
          yield { message: "Hello" };
        });
      await using pair = await pairOf({
        implementation: {
          sayHello: () => query(() => ({ message: "Hello" })) as never,
          sayHelloAgain: () => query(() => Promise.reject(new RpcError(Code.NOT_FOUND, "no such row"))) as never,
          chat: chat as never,
        },
      });
      const given = unary ? await pair.greeter.sayHello({}) : (await pair.greeter.chat([]).next()).value;
      expect(given).toEqual({ message: "Hello" });
      expect(await failure(pair.greeter.sayHelloAgain({}))).toMatchObject({ code: Code.NOT_FOUND });
    },
  );

  test("what an interceptor returns is awaited where it has a then, and what is no reply is its fault", async () => {
    const log = createLog();
    let give: (reply: Promise<unknown>) => unknown = (reply) => query(() => reply);
    const interceptor: Interceptor = (next) => (call) => give(next(call)) as never;
    await using pair = await pairOf({ server: { interceptors: [interceptor], logger: log } });
    expect(await pair.greeter.sayHello({ name: "Ada" })).toEqual({ message: "Hello Ada" });
    give = () => undefined;
    expect(await failure(pair.greeter.sayHello({}))).toMatchObject({ code: Code.UNKNOWN });
    expect(log.of("error")).toMatchObject([{ fields: { method: "/greeter.v1.Greeter/SayHello" } }]);
  });

  test("an interceptor that throws at once is logged as a handler that throws", async () => {
    const log = createLog();
    const interceptor: Interceptor = () => () => {
      throw new Error("secret");
    };
    await using pair = await pairOf({ server: { interceptors: [interceptor], logger: log } });
    for (const call of [() => pair.greeter.sayHello({}), () => pair.greeter.chat([]).next()]) {
      const error = await failure(call());
      expect(error.code).toBe(Code.UNKNOWN);
      expect(error.message).not.toContain("secret");
    }
    expect(log.of("error").map(({ fields }) => (fields.err as Error).message)).toEqual(["secret", "secret"]);
  });

  test("a stream's handler is closed when a reply of it has the wrong shape, in a stream of an interceptor's too", async () => {
    const through: Interceptor = (next) => async (call) => {
      const reply = await next(call);
      return {
        header: reply.header,
        trailer: Metadata.EMPTY,
        response: (async function* () {
          yield* reply.response as AsyncIterable<unknown>;
        })(),
      };
    };
    for (const interceptors of [[], [through]]) {
      const closed = event();
      await using pair = await pairOf({
        server: { interceptors },
        implementation: {
          async *chat() {
            try {
              yield { message: "1" };
              yield null as never;
              yield { message: "3" };
            } finally {
              closed.resolve();
            }
          },
        },
      });
      const replies = pair.greeter.chat([])[Symbol.asyncIterator]();
      await replies.next();
      expect(await failure(replies.next())).toMatchObject({ code: Code.INTERNAL });
      await closed.promise;
    }
  });

  test("handlers that never settle do not hold the places of a connection for good", async () => {
    const logger = createLog();
    await using pair = await pairOf({
      server: { logger, maxConcurrentStreams: 3 },
      implementation: { sayHelloAgain: () => new Promise<never>(() => {}) },
    });
    await pair.greeter.sayHello({});
    const hung = () => failure(pair.greeter.sayHelloAgain({}, { timeoutMs: 100 }));
    for (const { code } of await Promise.all([hung(), hung(), hung()])) expect(code).toBe(Code.DEADLINE_EXCEEDED);
    const answered = () =>
      pair.greeter.sayHello({ name: "Ada" }, { timeoutMs: 500 }).then(
        () => true,
        () => false,
      );
    await expect.poll(answered, { timeout: 5_000 }).toBe(true);
    if (name !== "http2") return;
    const [line, ...others] = logger.of("warn");
    expect(line).toMatchObject({ fields: { method: "/greeter.v1.Greeter/SayHelloAgain" } });
    expect(others).toEqual([]);
  });

  test("a stream of replies is let go when its call ends before the first message", async () => {
    const emitter = new EventEmitter();
    const began = event();
    await using pair = await pairOf({
      implementation: {
        chat() {
          const events = on(emitter, "message");
          began.resolve();
          return events as never;
        },
      },
    });
    const leaving = new AbortController();
    const reading = failure(pair.greeter.chat([], { signal: leaving.signal }).next());
    await began.promise;
    expect(emitter.listenerCount("message")).toBe(1);
    leaving.abort();
    expect(await reading).toMatchObject({ code: Code.CANCELLED });
    expect(await failure(pair.greeter.chat([], { timeoutMs: 30 }).next())).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
    });
    // Over grpc-js the client's reset is on its way.
    await expect.poll(() => emitter.listenerCount("message")).toBe(0);
  });

  test("every step of a stream runs in what the server's interceptors have entered", async () => {
    const tenant = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const interceptor: Interceptor = (next) => (call) => tenant.run("acme", () => next(call));
    await using pair = await pairOf({
      server: { interceptors: [interceptor] },
      implementation: {
        async *chat() {
          try {
            for (let i = 0; i < 3; i++) {
              seen.push(tenant.getStore());
              yield { message: "one" };
            }
          } finally {
            seen.push(tenant.getStore());
          }
        },
      },
    });
    await tenant.run("the client's own", async () => {
      for await (const _ of pair.greeter.chat([]));
      for await (const _ of pair.greeter.chat([])) break;
    });
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(6);
    expect(new Set(seen)).toEqual(new Set(["acme"]));
  });
});

import { getEventListeners, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createClient, type HandlerContext, type Interceptor, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { event } from "../transport/world.ts";
import { collected, failure, sourceOf, type World } from "./world.ts";

const { CANCELLED, DEADLINE_EXCEEDED } = Code;

/** Hands its replies on one by one, and so cannot be left while it waits for one. */
const asGenerator: Interceptor = (next) => async (call) => {
  const reply = await next(call);
  if (!call.method.responseStream) return reply;
  async function* handedOn() {
    yield* reply.response as AsyncIterable<unknown>;
  }
  return { ...reply, response: handedOn() };
};

const hanging: Interceptor = () => () => new Promise(() => {});

/** A call ends once, for everybody who has a part in it, whatever it was waiting for. */
export function life(world: () => World): void {
  /** A server whose streams yield `first` messages and then wait for their end. */
  async function waiting(first: number) {
    const one = world();
    const arrived = event();
    const ended = event<RpcError>();
    async function* wait(_request: unknown, { signal }: HandlerContext) {
      for (let i = 0; i < first; i++) yield { text: `${i}` };
      const over = once(signal, "abort");
      arrived.happen();
      await over;
      ended.happen(signal.reason);
    }
    const at = await one.serve({ expand: wait, converse: wait });
    return { one, at, arrived, ended };
  }

  test("what ends a stream that has opened names its method and its server", async () => {
    const { one, at } = await waiting(1);
    const broken = await one.serve({
      async *expand() {
        yield { text: "0" };
        throw new RpcError(Code.DATA_LOSS, "the rest is gone");
      },
    });
    const method = "/probe.v1.Probe/Expand";
    const told = await failure(collected(one.probe([broken]).expand({})));
    expect(told).toMatchObject({ code: Code.DATA_LOSS, method, peer: broken });
    const late = await failure(collected(one.probe([at]).expand({}, { timeoutMs: 200 })));
    expect(late).toMatchObject({ code: DEADLINE_EXCEEDED, method, peer: at });
  });

  test.each([
    ["while the first reply is awaited", 0, {}, {}],
    ["while the next reply is awaited, with onTrailer", 1, { onTrailer: () => {} }, {}],
    ["while the next reply is awaited, through a generator", 1, {}, { interceptors: [asGenerator] }],
  ])("a stream that is left %s ends at the other side", async (_name, first, options, channel) => {
    const { one, at, arrived, ended } = await waiting(first);
    const replies = one.probe([at], channel).expand({}, options);
    for (let i = 0; i < first; i++) await replies.next();
    const next = replies.next().catch((error) => error);
    await arrived.happened;
    await replies.return?.();
    expect(await ended.happened).toMatchObject({ code: CANCELLED });
    expect([{ done: true, value: undefined }, expect.objectContaining({ code: CANCELLED })]).toContainEqual(await next);
    expect(await replies.next()).toEqual({ done: true, value: undefined });
  });

  test("a stream whose onHeader throws ends at the other side", async () => {
    const { one, at, ended } = await waiting(1);
    const mine = new Error("mine");
    const onHeader = () => {
      throw mine;
    };
    expect(await failure(one.probe([at]).expand({}, { onHeader }).next())).toBe(mine);
    expect(await ended.happened).toMatchObject({ code: CANCELLED });
  });

  test.each(["interceptors", "attemptInterceptors"])(
    "one of the %s that hangs is held to deadline and signal",
    async (kind) => {
      const one = world();
      const probe = one.probe([await one.serve()], { [kind]: [hanging] });
      const source = sourceOf();
      const calls = (options: object) => [
        failure(probe.echo({}, options)),
        failure(probe.expand({}, options).next()),
        failure(probe.collect(source, options)),
        failure(probe.converse(source, options).next()),
      ];
      for (const failed of calls({ timeoutMs: 30 })) expect(await failed).toMatchObject({ code: DEADLINE_EXCEEDED });
      const leaving = new AbortController();
      const failing = calls({ signal: leaving.signal });
      leaving.abort();
      for (const failed of failing) expect(await failed).toMatchObject({ code: CANCELLED });
    },
  );

  test("deadlines that passed while this process stood still are held against no server", async () => {
    const one = world();
    const states: string[] = [];
    const at = await one.serve({ echo: (request) => sleep(50).then(() => request) });
    const probe = one.probe([at], { breaker: { onChange: (state) => states.push(state) } });
    await probe.echo({});
    const calls = Array.from({ length: 10 }, () => probe.echo({}, { timeoutMs: 200, retry: false }).catch(() => {}));
    await sleep(10);
    standStill(400);
    await Promise.all(calls);
    expect(states).toEqual([]);
  });

  test.each(["echo", "expand"] as const)(
    "a loop that calls %s again as soon as it has failed lets the process turn, and connect",
    async (method) => {
      const one = world();
      const { address, start } = await one.later();
      const probe = one.probe([address], { breaker: false });
      const call = () => (method === "echo" ? probe.echo({}) : collected(probe.expand({ count: 1 })));
      await failure(call());
      void start();
      const untilMs = performance.now() + 4_000;
      let answered = false;
      while (!answered && performance.now() < untilMs) {
        await call().then(
          () => (answered = true),
          () => {},
        );
      }
      expect(answered).toBe(true);
    },
  );

  test("an interceptor that hangs within a stream of replies is held to deadline and signal", async () => {
    const { one, at, ended } = await waiting(1);
    const stuck: Interceptor = (next) => async (call) => {
      const reply = await next(call);
      const source = (reply.response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      const first = source.next();
      return { ...reply, response: { [Symbol.asyncIterator]: () => ({ next: onlyFirst(first) }) } };
    };
    const channel = one.channel([at], { interceptors: [stuck] });
    await channel.ready(Probe);
    const replies = createClient(Probe, channel).expand({}, { timeoutMs: 500 });
    await replies.next();
    expect(await failure(replies.next())).toMatchObject({ code: DEADLINE_EXCEEDED });
    expect(await ended.happened).toMatchObject({ code: DEADLINE_EXCEEDED });
  });

  test("a signal that lives long holds nothing of calls that are over", async () => {
    const one = world();
    const probe = one.probe([await one.serve()], { interceptors: [asGenerator] });
    const { signal } = new AbortController();
    await probe.echo({}, { signal });
    await collected(probe.expand({ count: 2 }, { signal }));
    await probe.collect([{}], { signal });
    const left = probe.expand({ count: 2 }, { signal });
    await left.next();
    await left.return?.();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
}

function standStill(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

function onlyFirst<T>(first: Promise<T>): () => Promise<T> {
  let asked = false;
  return () => {
    if (asked) return new Promise<T>(() => {});
    asked = true;
    return first;
  };
}

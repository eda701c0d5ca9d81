import { type CallOptions, type Channel, createClient, type Interceptor, RpcError } from "trunkline";
import { describe, expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { collected, failure, type World } from "./world.ts";

const kinds = ["interceptors", "attemptInterceptors"] as const;

/** Hangs within the stream after its first message, as a generator that cannot be left meanwhile. */
const hangingMidway: Interceptor = (next) => async (call) => {
  const reply = await next(call);
  return { ...reply, response: firstAndNoMore(reply.response as AsyncIterable<unknown>) };
};

async function* firstAndNoMore(messages: AsyncIterable<unknown>) {
  for await (const message of messages) {
    yield message;
    await new Promise(() => {});
  }
}

const failingMidway =
  (error: Error): Interceptor =>
  (next) =>
  async (call) => {
    const reply = await next(call);
    return { ...reply, response: firstAndFail(reply.response as AsyncIterable<unknown>, error) };
  };

async function* firstAndFail(messages: AsyncIterable<unknown>, error: Error) {
  for await (const message of messages) {
    yield message;
    throw error;
  }
}

/** Interceptors that do not do as they should: the caller gets a clear error, and nothing else breaks. */
export function interceptors(world: () => World): void {
  describe.each(kinds)("one of the %s", (kind) => {
    async function over(interceptor: Interceptor, options: object = {}): Promise<Channel> {
      const one = world();
      return one.channel([await one.serve()], { [kind]: [interceptor], ...options });
    }

    const forgetful: Record<string, Interceptor> = {
      "returns nothing": ((next: any) => (call: any) => void next(call).catch(() => {})) as never,
      "resolves with nothing": ((next: any) => async (call: any) => void (await next(call))) as never,
    };
    for (const [what, interceptor] of Object.entries(forgetful)) {
      test.each([
        ["a call", {}],
        ["a hedged call", { hedge: { delayMs: 1 } }],
        ["a call without a deadline", { timeoutMs: 0 }],
      ] as [string, CallOptions<"IDEMPOTENT">][])(`that ${what}: %s fails and says so`, async (_name, options) => {
        const probe = createClient(Probe, await over(interceptor));
        const clear = { local: true, message: expect.stringContaining("return what next(call) returns") };
        expect(await failure(probe.echo({}, options))).toMatchObject(clear);
        expect(await failure(probe.expand({ count: 1 }, options).next())).toMatchObject(clear);
      });
    }

    test("that returns nothing to a later attempt ends no process", async () => {
      const slow = world();
      const at = await slow.serve({ echo: (request) => new Promise((done) => setTimeout(done, 100, request)) });
      const forgets: Interceptor = (next) => (call) => (call.attempt > 1 ? (undefined as never) : next(call));
      const probe = slow.probe([at], { [kind]: [forgets] });
      expect(await probe.echo({ text: "a" }, { hedge: { delayMs: 10 } })).toMatchObject({ text: "a" });
    });

    test("that throws what is no RpcError: the caller is given UNKNOWN, local, with the method", async () => {
      const error = new Error("no token");
      for (const thrower of [() => Promise.reject(error), () => raise(error)]) {
        const probe = createClient(Probe, await over(() => thrower));
        for (const timeoutMs of [0, 1_000]) {
          for (const call of [probe.echo({}, { timeoutMs }), probe.expand({}, { timeoutMs }).next()]) {
            const failed = await failure(call);
            expect(failed).toBeInstanceOf(RpcError);
            expect(failed).toMatchObject({ codeName: "UNKNOWN", local: true, cause: error });
            expect(failed.method).toMatch(/^\/probe.v1.Probe\//);
          }
        }
      }
    });

    test("that throws an RpcError before the call is handed on: it is local, and not sent again", async () => {
      let begun = 0;
      const away: Interceptor = () => async () => {
        begun++;
        throw new RpcError(14, "the token service is away");
      };
      const probe = createClient(Probe, await over(away));
      for (const call of [probe.echo({}), probe.expand({}).next()]) {
        expect(await failure(call)).toMatchObject({ codeName: "UNAVAILABLE", local: true });
      }
      expect(begun).toBe(2);
    });

    test("that gives a server's failure other words: it is no local one", async () => {
      const other: Interceptor = (next) => (call) =>
        next(call).catch(() => Promise.reject(new RpcError(5, "in other words")));
      const one = world();
      const at = await one.serve({ echo: () => raise(new RpcError(5, "no such thing")) });
      const failed = await failure(one.probe([at], { [kind]: [other] }).echo({}));
      expect(failed).toMatchObject({ message: "in other words", local: false });
    });

    test("that throws in the middle of a stream: the error names the method", async () => {
      const quota = new RpcError(8, "the quota is spent");
      for (const error of [quota, new Error("mine")]) {
        const probe = createClient(Probe, await over(failingMidway(error)));
        const failed = await failure(collected(probe.expand({ count: 3 })));
        expect(failed).toMatchObject({ message: error.message, method: "/probe.v1.Probe/Expand" });
        expect(failed).toBeInstanceOf(RpcError);
      }
    });

    test("that hangs in the middle of a stream: it can be left", async () => {
      const probe = createClient(Probe, await over(hangingMidway));
      const replies = probe.expand({ count: 3 });
      await replies.next();
      const next = replies.next().catch((error) => error);
      expect(await replies.return?.()).toEqual({ done: true, value: undefined });
      const settled = await next;
      if (settled instanceof RpcError) expect(settled.method).toBe("/probe.v1.Probe/Expand");
    });
  });

  test("onTrailer hears nothing of a stream that was left", async () => {
    const one = world();
    const at = await one.serve({
      async *expand(_request, { signal }) {
        yield {};
        await new Promise((over) => signal.addEventListener("abort", over));
      },
    });
    let told = 0;
    const replies = one.probe([at]).expand({}, { onTrailer: () => told++ });
    await replies.next();
    const next = replies.next().catch(() => {});
    await replies.return?.();
    await next;
    await replies.next();
    expect(told).toBe(0);
  });

  test("close with Infinity waits for the call that is under way; NaN and less than 0 are refused", async () => {
    const one = world();
    const begun: (() => void)[] = [];
    const at = await one.serve({
      echo() {
        for (const each of begun) each();
        return new Promise((done) => setTimeout(done, 50, {}));
      },
    });
    for (const timeoutMs of [Number.NaN, -1]) {
      await expect(one.channel([at]).close(timeoutMs)).rejects.toThrow(TypeError);
    }
    for (const timeoutMs of [Number.POSITIVE_INFINITY, 3e9]) {
      const channel = one.channel([at]);
      const call = createClient(Probe, channel).echo({});
      await new Promise<void>((resolve) => begun.push(resolve));
      const closed = channel.close(timeoutMs);
      await call;
      await closed;
    }
  });
}

function raise(error: Error): never {
  throw error;
}

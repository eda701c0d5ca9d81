import { type CallOptions, type ChannelOptions, type Client, Code, type Interceptor, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { collected, failure, type World } from "./world.ts";

type Calls = Client<typeof Probe>;
type CommonOptions = Pick<CallOptions, "metadata" | "signal" | "timeoutMs">;
type Make = (calls: Calls, options?: CommonOptions) => Promise<unknown>;

const shapes: Readonly<Record<string, Make>> = {
  unary: (calls, options) => calls.echo({}, options),
  "server streaming": (calls, options) => collected(calls.expand({ count: 2 }, options)),
  "client streaming": (calls, options) => calls.collect([{}], options),
  "bidi streaming": (calls, options) => collected(calls.converse([{}], options)),
};

const pass: Interceptor = (next) => async (call) => next(call);

const ways: Readonly<Record<string, Partial<ChannelOptions>>> = {
  "with nothing around it": {},
  "through interceptors": { interceptors: [pass], attemptInterceptors: [pass] },
  "after a retry": { policy: { retry: { maxAttempts: 2, initialBackoffMs: 1, retryableCodes: ["ABORTED"] } } },
  "of two hedges": { policy: { hedge: { maxAttempts: 2, delayMs: 1 } } },
  "where each call's site is noted": { callerStacks: true },
};

const refused = (): never => {
  throw new RpcError(Code.ABORTED, "no");
};
const refusing = { echo: refused, expand: refused, collect: refused, converse: refused } as const;

/** Who reads a stack wants to see this function, and nothing of what lies beneath the call. */
async function theCaller(make: () => Promise<unknown>): Promise<unknown> {
  const made = await make();
  return made;
}

const shows = (caller: string): RegExp =>
  new RegExp(
    `^RpcError \\w+: .*\\n( {4}at .*\\n)*? {4}at (async )?${caller} \\(.*[/\\\\]channel[/\\\\](call-sites|world)\\.ts:`,
  );
const ofOurs = /[/\\]src[/\\](client|core|transport|balance|retry|breaker)[/\\]|node:/;

export function callSites(world: () => World): void {
  for (const [shape, make] of Object.entries(shapes)) {
    for (const [way, options] of Object.entries(ways)) {
      test(`a server's error shows who made the call: ${shape}, ${way}`, async () => {
        const { serve, probe } = world();
        const calls = probe([await serve(refusing)], options);
        const { stack } = await failure(theCaller(() => make(calls)));
        expect(stack).toMatch(shows("theCaller"));
        expect(stack).not.toMatch(ofOurs);
      });
    }

    test(`so does one of no server: ${shape}`, async () => {
      const { later, probe } = world();
      const { address } = await later();
      const { stack } = await failure(theCaller(() => make(probe([address]))));
      expect(stack).toMatch(shows("theCaller"));
      expect(stack).not.toMatch(ofOurs);
    });

    test(`so does what cannot be sent: ${shape}`, async () => {
      const { serve, probe } = world();
      const calls = probe([await serve()]);
      const { stack } = await failure(theCaller(() => make(calls, { metadata: { "not a key": "" } })));
      expect(stack).toMatch(shows("theCaller"));
      expect(stack).not.toMatch(ofOurs);
    });

    test(`so do a deadline and an abort: ${shape}`, async () => {
      const { serve, probe } = world();
      const hang = (): never => new Promise(() => {}) as never;
      const calls = probe([
        await serve({
          echo: hang,
          collect: hang,
          expand: () => ({ [Symbol.asyncIterator]: () => ({ next: hang }) }),
          converse: () => ({ [Symbol.asyncIterator]: () => ({ next: hang }) }),
        }),
      ]);
      const late = await failure(theCaller(() => make(calls, { timeoutMs: 20 })));
      const aborted = await failure(theCaller(() => make(calls, { signal: AbortSignal.timeout(20) })));
      for (const { stack } of [late, aborted]) {
        expect(stack).toMatch(shows("theCaller"));
        expect(stack).not.toMatch(ofOurs);
      }
    });

    test(`an interceptor's own error shows its line, and then the caller's: ${shape}`, async () => {
      const { serve, probe } = world();
      const guard: Interceptor = (next) => async (call) => {
        await next(call);
        throw new RpcError(Code.UNAUTHENTICATED, "mine");
      };
      const calls = probe([await serve()], { interceptors: [guard] });
      const { stack } = await failure(theCaller(() => make(calls)));
      expect(stack).toMatch(/^RpcError UNAUTHENTICATED: mine\n {4}at .*call-sites\.ts:\d+:\d+/);
      expect(stack).toMatch(shows("theCaller"));
      expect(stack).not.toMatch(ofOurs);
    });
  }

  for (const [way, options] of Object.entries(ways)) {
    test(`a stream that breaks shows who reads it, and where: ${way}`, async () => {
      const { serve, probe } = world();
      async function* breaking(): AsyncGenerator<object> {
        yield {};
        await new Promise(setImmediate);
        refused();
      }
      const address = await serve({ expand: breaking, converse: breaking });
      const calls = probe([address], options);
      for (const shape of ["server streaming", "bidi streaming"] as const) {
        const error = await failure(theCaller(() => (shapes[shape] as Make)(calls)));
        expect(error.stack).toMatch(shows("theCaller"));
        expect(error.stack).not.toMatch(ofOurs);
        expect(error).toMatchObject({ code: Code.ABORTED, peer: address, method: expect.stringMatching(/^\/probe/) });
      }
    });
  }

  for (const [how, settled] of Object.entries({
    "Promise.all": (call: Promise<unknown>) => Promise.all([call]),
    "Promise.race": (call: Promise<unknown>) => Promise.race([call]),
    "a catch that throws": (call: Promise<unknown>) =>
      call.catch((error: unknown) => {
        throw error;
      }),
    "another async function": async (call: Promise<unknown>) => call,
  })) {
    test(`who waits by ${how} is shown as well`, async () => {
      const { serve, probe } = world();
      const calls = probe([await serve(refusing)]);
      expect((await failure(theCaller(() => settled(calls.echo({}))))).stack).toMatch(shows("theCaller"));
    });
  }

  test("a promise that was put away shows its call only where that was noted", async () => {
    const { serve, probe } = world();
    const address = await serve(refusing);
    async function puttingAway(calls: Calls): Promise<void> {
      const made = calls.echo({});
      made.catch(() => {});
      await made;
    }
    expect((await failure(puttingAway(probe([address])))).stack).toBe("RpcError ABORTED: no");
    const noting = probe([address], { callerStacks: true });
    expect((await failure(puttingAway(noting))).stack).toMatch(shows("puttingAway"));
  });

  test("an error that many calls end in is each time the last one's, and grows no longer", async () => {
    const { serve, probe } = world();
    const constant = new RpcError(Code.UNAUTHENTICATED, "no token");
    const calls = probe([await serve()], {
      interceptors: [
        (next) => async (call) => {
          await next(call);
          throw constant;
        },
      ],
    });
    const lengths = new Set<number>();
    for (let i = 0; i < 5; i++) lengths.add((await failure(theCaller(() => calls.echo({})))).stack.length);
    expect(lengths.size).toBe(1);
  });

  test("who waits for a channel to be ready is shown as well", async () => {
    const { later, channel } = world();
    const { address } = await later();
    const readying = channel([address]).ready(Probe, { timeoutMs: 20 });
    expect((await failure(theCaller(() => readying))).stack).toMatch(shows("theCaller"));
  });
}

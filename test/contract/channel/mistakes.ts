import { type CallOptions, Code, createClient, type Interceptor, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { Duration } from "../../../gen/google/protobuf/duration.ts";
import { ListValue } from "../../../gen/google/protobuf/struct.ts";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import type { MessageType } from "../../../src/core/message.ts";
import { bidiStreaming, clientStreaming, defineService, serverStreaming, unary } from "../../../src/core/method.ts";
import { collected, failure, type World } from "./world.ts";

const { INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE, UNKNOWN, DEADLINE_EXCEEDED, INTERNAL } = Code;

interface Mistake {
  readonly type: MessageType<any>;
  readonly message: () => unknown;
  readonly code: number;
}

const payload = (message: () => unknown, code: number): Mistake => ({ type: Payload as never, message, code });
const duration = (message: object): Mistake => ({ type: Duration, message: () => message, code: INVALID_ARGUMENT });

const unsendable: Readonly<Record<string, Mistake>> = {
  "2 ** 31 in an int32": duration({ seconds: 0n, nanos: 2 ** 31 }),
  "1.5 in an int32": duration({ seconds: 0n, nanos: 1.5 }),
  "NaN in an int32": duration({ seconds: 0n, nanos: Number.NaN }),
  "1n << 64n in an int64": duration({ seconds: 1n << 64n, nanos: 0 }),
  "messages nested more than 100 deep": { type: ListValue, message: () => nested(60), code: INVALID_ARGUMENT },
  "a message over the limit": payload(() => ({ text: "", data: new Uint8Array(2_000) }), RESOURCE_EXHAUSTED),
  "a getter that throws": payload(() => throwing(new Error("no")), INVALID_ARGUMENT),
  "a getter that throws an RpcError": payload(() => throwing(new RpcError(UNAVAILABLE, "no")), INVALID_ARGUMENT),
};

function nested(levels: number): ListValue {
  let list: ListValue = { values: [] };
  for (let i = 0; i < levels; i++) list = { values: [list.values] };
  return list;
}

function throwing(error: Error): object {
  return {
    get text(): string {
      throw error;
    },
    data: new Uint8Array(),
  };
}

const idempotency = { idempotency: "IDEMPOTENT" } as const;

function shapesOf(type: MessageType<any>) {
  return defineService("test.v1.Shapes", {
    one: unary("One", type, Payload as MessageType<any>, idempotency),
    many: serverStreaming("Many", type, Payload as MessageType<any>, idempotency),
    upload: clientStreaming("Upload", type, Payload as MessageType<any>, idempotency),
    both: bidiStreaming("Both", type, Payload as MessageType<any>, idempotency),
  });
}

type Shapes = ReturnType<typeof shapesOf>;
type Calls = ReturnType<typeof createClient<Shapes["methods"]>>;

const shapes: Readonly<
  Record<string, (calls: Calls, message: any, options?: CallOptions<"IDEMPOTENT">) => Promise<unknown>>
> = {
  unary: (calls, message, options) => calls.one(message, options),
  "server streaming": (calls, message, options) => collected(calls.many(message, options)),
  "client streaming": (calls, message, options) => calls.upload([message], options),
  "bidi streaming": (calls, message, options) => collected(calls.both([message], options)),
};

/** Five of a kind would open the circuit, were they held against the server. */
export function mistakes(world: () => World): void {
  async function fixture(type: MessageType<any> = Payload as never, interceptors: object = {}) {
    const service = shapesOf(type);
    const answered: unknown[] = [];
    const states: string[] = [];
    const { transport, serveOther, channel: open } = world();
    const at = await serveOther(service, {
      one: (request: unknown) => answered.push(request) && {},
      async *many(request: unknown) {
        answered.push(request);
        yield {};
      },
      async upload(requests: AsyncIterable<unknown>) {
        for await (const request of requests) answered.push(request);
        return {};
      },
      async *both(requests: AsyncIterable<unknown>) {
        for await (const request of requests) answered.push(request);
        yield {};
      },
    });
    const everyCode = Object.keys(Code).filter((code) => code !== "OK") as never;
    const channel = open([at], {
      maxSendMessageBytes: 1_000,
      breaker: { faults: everyCode, onChange: (state) => states.push(state) },
      policy: { retry: { retryableCodes: everyCode, initialBackoffMs: 1 } },
      ...interceptors,
    });
    return { transport, calls: createClient(service, channel) as Calls, answered, states };
  }

  for (const [shape, make] of Object.entries(shapes)) {
    for (const [name, { type, message, code }] of Object.entries(unsendable)) {
      test(`${name}, ${shape}`, async () => {
        const { calls, answered, states } = await fixture(type);
        for (let i = 0; i < 5; i++) expect(await failure(make(calls, message()))).toMatchObject({ code, local: true });
        expect(answered).toEqual([]);
        await make(calls, {});
        expect(states).toEqual([]);
      });
    }

    test(`metadata that cannot be sent, ${shape}`, async () => {
      const { calls, answered, states } = await fixture();
      for (let i = 0; i < 5; i++) {
        const invalid = await failure(make(calls, {}, { metadata: { "not a key": "x" } }));
        expect(invalid).toMatchObject({ code: INVALID_ARGUMENT, local: true });
        const huge = await failure(make(calls, {}, { metadata: { huge: "x".repeat(70_000) } }));
        expect(huge).toMatchObject({ code: RESOURCE_EXHAUSTED, local: true });
      }
      expect(answered).toEqual([]);
      await make(calls, {});
      expect(states).toEqual([]);
    });

    test(`a callback that throws, ${shape}`, async () => {
      const { calls, states } = await fixture();
      for (let i = 0; i < 5; i++) {
        for (const key of ["onHeader", "onTrailer"]) {
          const options = { [key]: () => throwNow(new RpcError(INTERNAL, "mine")) };
          expect(await failure(make(calls, {}, options))).toMatchObject({ message: "mine" });
        }
      }
      await make(calls, {});
      expect(states).toEqual([]);
    });

    for (const kind of ["interceptors", "attemptInterceptors"]) {
      for (const [how, thrower] of Object.entries({
        "throws at once": () => throwNow(timeout),
        rejects: () => Promise.reject(timeout),
      })) {
        test(`one of the ${kind} ${how}, ${shape}`, async () => {
          let failing = true;
          let begun = 0;
          const mine: Interceptor = (next) => (call) => {
            begun++;
            return failing ? thrower() : next(call);
          };
          const { calls, states } = await fixture(undefined, { [kind]: [mine] });
          for (let i = 0; i < 5; i++) await failure(make(calls, {}));
          expect(begun).toBe(5);
          failing = false;
          await make(calls, {});
          expect(states).toEqual([]);
        });
      }
    }
  }

  for (const shape of ["client streaming", "bidi streaming"]) {
    for (const [error, code] of [
      [new Error("mine"), UNKNOWN],
      [new RpcError(INTERNAL, "mine"), INTERNAL],
      [named("TimeoutError"), DEADLINE_EXCEEDED],
    ] as const) {
      test(`a source that throws ${error.name} ${error.message}, ${shape}`, async () => {
        const { calls, states } = await fixture();
        const call = (requests: unknown) =>
          shape === "client streaming" ? calls.upload(requests as []) : collected(calls.both(requests as []));
        for (let i = 0; i < 5; i++) {
          const failed = await failure(
            call(
              (async function* () {
                yield {};
                throw error;
              })(),
            ),
          );
          expect(failed).toMatchObject({ code, local: true });
        }
        await call([{}]);
        expect(states).toEqual([]);
      });
    }
  }

  test("an abort with a reason that reads like a server's failure", async () => {
    const states: string[] = [];
    let hang = true;
    const one = world();
    const address = await one.serve({ echo: (request) => (hang ? new Promise(() => {}) : request) });
    const probe = one.probe([address], { breaker: { onChange: (state) => states.push(state) } });
    for (let i = 0; i < 5; i++) {
      const leaving = new AbortController();
      const failed = failure(probe.echo({}, { signal: leaving.signal }));
      leaving.abort(new RpcError(INTERNAL, "mine"));
      expect(await failed).toMatchObject({ code: INTERNAL, message: "mine", local: true });
    }
    hang = false;
    await probe.echo({});
    expect(states).toEqual([]);
  });
}

const timeout = named("TimeoutError");

function named(name: string): Error {
  return Object.assign(new Error("mine"), { name });
}

function throwNow(error: Error): never {
  throw error;
}

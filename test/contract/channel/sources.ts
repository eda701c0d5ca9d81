import { once } from "node:events";
import { Code, type Interceptor, type Reply, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { collected, failure, sourceOf, type World } from "./world.ts";

const { DEADLINE_EXCEEDED, PERMISSION_DENIED, UNAVAILABLE } = Code;
const hanging: Interceptor = () => () => new Promise(() => {});

/** The source of a stream of requests is let go of once, whatever becomes of the call. */
export function sources(world: () => World): void {
  test.each([
    ["that is never sent", "127.0.0.1:1", {}],
    ["that waits for another attempt", undefined, { attemptInterceptors: [refusing] }],
    ["that an interceptor answers", undefined, { interceptors: [answering] }],
    ["that an interceptor holds for ever", undefined, { interceptors: [hanging] }],
  ])("the requests of a call %s are let go of once", async (_name, address, channel) => {
    const one = world();
    const probe = one.probe([address ?? (await one.serve())], channel as object);
    for (const make of [
      (source: never, options: object) => probe.collect(source, options),
      (source: never, options: object) => collected(probe.converse(source, options)),
    ]) {
      const source = sourceOf();
      const leaving = new AbortController();
      const over = make(source as never, { signal: leaving.signal, timeoutMs: 5_000 }).catch((error: unknown) => error);
      await new Promise(setImmediate);
      leaving.abort();
      await over;
      await source.released.happened;
      expect(source.returns).toBe(1);
    }
  });

  test("the requests of a stream that is left unread, or cannot be sent, are let go of once", async () => {
    const one = world();
    const probe = one.probe([await one.serve()]);
    const unread = sourceOf();
    await probe.converse(unread).return?.();
    await unread.released.happened;
    const unsent = sourceOf();
    await failure(probe.collect(unsent, { metadata: { "not a key": "" } }));
    await unsent.released.happened;
    expect([unread.returns, unsent.returns]).toEqual([1, 1]);
  });

  test("the requests of a call that the server answers early, or that is cancelled, are let go of once", async () => {
    const one = world();
    const at = await one.serve({
      collect: () => ({ count: 0 }),
      async *converse(_requests, { signal }) {
        await once(signal, "abort");
      },
    });
    const probe = one.probe([at]);
    const early = sourceOf();
    await probe.collect(early).catch(() => {});
    await early.released.happened;
    const cut = sourceOf();
    expect(await failure(probe.converse(cut, { timeoutMs: 50 }).next())).toMatchObject({ code: DEADLINE_EXCEEDED });
    await cut.released.happened;
    expect([early.returns, cut.returns]).toEqual([1, 1]);
  });

  test("the replies of a handler are let go of once where its server's interceptors have nobody read them", async () => {
    const one = world();
    const held =
      (made: (reply: Reply) => Reply): Interceptor =>
      (next) =>
      async (call) => {
        const reply = await next(call);
        await new Promise<void>((resolve) => void call.cancellation?.onCancel(() => setImmediate(resolve)));
        return made(reply);
      };
    const refusing: Interceptor = (next) => async (call) => {
      await next(call);
      throw new RpcError(PERMISSION_DENIED, "on second thoughts");
    };
    for (const [interceptor, code] of [
      [
        held((reply) => ({ header: reply.header, trailer: reply.trailer, response: handedOn(reply) })),
        DEADLINE_EXCEEDED,
      ],
      [held((reply) => reply), DEADLINE_EXCEEDED],
      [refusing, PERMISSION_DENIED],
    ] as const) {
      const source = sourceOf(2);
      const probe = one.probe([await one.serve({ expand: () => source }, { interceptors: [interceptor] })]);
      expect(await failure(probe.expand({}, { timeoutMs: 200 }).next())).toMatchObject({ code });
      await source.released.happened;
      await new Promise(setImmediate);
      expect(source.returns).toBe(1);
    }
  });

  test("replies that interceptors of the server have read to their end are not let go of", async () => {
    const one = world();
    const source = sourceOf(2);
    const reading: Interceptor = (next) => async (call) => {
      const reply = await next(call);
      return { header: reply.header, trailer: reply.trailer, response: handedOn(reply) };
    };
    const probe = one.probe([await one.serve({ expand: () => source }, { interceptors: [reading] })]);
    expect(await collected(probe.expand({}))).toHaveLength(2);
    expect(source.returns).toBe(0);
  });

  test("requests that were read to their end are not let go of", async () => {
    const one = world();
    const source = sourceOf(2);
    expect(await one.probe([await one.serve()]).collect(source)).toMatchObject({ count: 2 });
    expect(source.returns).toBe(0);
  });
}

const refused = new RpcError(UNAVAILABLE, "refused", { unprocessed: true, peer: "10.0.0.1:50051" });
const refusing: Interceptor = () => () => Promise.reject(refused);
async function* handedOn({ response }: Reply) {
  yield* response as AsyncIterable<unknown>;
}
const answering: Interceptor =
  () =>
  async ({ method }) => ({
    response: method.responseStream ? (async function* () {})() : {},
    header: undefined as never,
    trailer: undefined as never,
  });

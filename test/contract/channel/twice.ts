import { Code, heldRequests, type Interceptor, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { failure, type World } from "./world.ts";

const { INTERNAL, UNAVAILABLE } = Code;

/** An interceptor that calls `next` again: requests that were read are never taken for none. */
export function twice(world: () => World): void {
  test.each(["interceptors", "attemptInterceptors"])(
    "a second `next` of the %s does not send an empty stream",
    async (kind) => {
      const one = world();
      let failing = true;
      const received: number[] = [];
      const at = await one.serve({
        async collect(requests) {
          let count = 0;
          for await (const _ of requests) count++;
          received.push(count);
          if (failing) throw new RpcError(UNAVAILABLE, "not now");
          return { count };
        },
      });
      const again: Interceptor = (next) => (call) => next(call).catch(() => next(call));
      const probe = one.probe([at], { [kind]: [again] });
      const failed = await failure(probe.collect([{}, {}]));
      expect(failed).toMatchObject({ code: Code.INVALID_ARGUMENT, local: true });
      expect(failed.message).toContain("/probe.v1.Probe/Collect were read already");
      failing = false;
      expect(await probe.collect([{}, {}])).toMatchObject({ count: 2 });
      expect(received).toEqual([2, 2]);
    },
  );

  test("a second `next` sends the whole stream where nothing was read, by heldRequests and without", async () => {
    const one = world();
    const at = await one.serve();
    const unread = new RpcError(UNAVAILABLE, "not yet");
    const refusing = (): Interceptor => {
      let refused = false;
      return (next) => (call) => {
        if (refused) return next(call);
        refused = true;
        return Promise.reject(unread);
      };
    };
    const plain: Interceptor = (next) => (call) => next(call).catch(() => next(call));
    const held: Interceptor = (next) => (call) => {
      const requests = heldRequests(call);
      const attempt = () => next(requests === undefined ? call : call.with({ request: requests.next() }));
      return attempt().catch((error) => (requests?.begun ? Promise.reject(error) : attempt()));
    };
    for (const again of [plain, held]) {
      const probe = one.probe([at], { interceptors: [again, refusing()] });
      expect(await probe.collect([{}, {}])).toMatchObject({ count: 2 });
    }
  });

  test("a server's interceptor that calls `next` again for requests that were read fails, and no handler runs on none", async () => {
    const one = world();
    const received: number[] = [];
    const again: Interceptor = (next) => (call) => next(call).catch(() => next(call));
    const at = await one.serve(
      {
        async collect(requests) {
          let count = 0;
          for await (const _ of requests) count++;
          received.push(count);
          throw new RpcError(UNAVAILABLE, "not now");
        },
      },
      { interceptors: [again] },
    );
    expect(await failure(one.probe([at]).collect([{}, {}]))).toMatchObject({ code: INTERNAL });
    expect(received).toEqual([2]);
  });

  test.each([
    ["as they are", (requests: AsyncIterable<unknown>) => requests],
    [
      "through another stream",
      async function* (requests: AsyncIterable<unknown>) {
        yield* requests;
      },
    ],
  ])("nor does a handler get the rest of requests of which some were read by hand, %s", async (_how, around) => {
    const one = world();
    let runs = 0;
    const again: Interceptor = (next) => (call) => {
      const attempt = () => next(call.with({ request: around(call.request as AsyncIterable<unknown>) }));
      return call.method.requestStream ? attempt().catch(attempt) : next(call);
    };
    const at = await one.serve(
      {
        async collect(requests) {
          const messages = requests[Symbol.asyncIterator]();
          let count = 0;
          for (let step = await messages.next(); step.done !== true; step = await messages.next()) {
            count++;
            if (++runs === 1) throw new RpcError(UNAVAILABLE, "not now");
          }
          return { count };
        },
      },
      { interceptors: [again] },
    );
    expect(await failure(one.probe([at]).collect([{}, {}, {}]))).toMatchObject({ code: INTERNAL });
    expect(runs).toBe(1);
  });
}

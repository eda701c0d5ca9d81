import { type CallOptions, Code, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { failure, type World } from "./world.ts";

const { UNAVAILABLE } = Code;
const sick = new RpcError(UNAVAILABLE, "not now");
const retrying = { retry: { maxAttempts: 4, initialBackoffMs: 1, maxBackoffMs: 2 } } as const;
const hedging = { hedge: { maxAttempts: 4, delayMs: 5_000 } } as const;

/** Of a chain of services one level sends again: each level would multiply the load that the last one sees. */
export function chains(world: () => World): void {
  /** A chain of `length` servers, of which the last one fails; each calls the next by this policy. */
  async function chain(length: number, policy: object) {
    const one = world();
    const calls: number[] = new Array(length).fill(0);
    let at = "";
    for (let i = length - 1; i >= 0; i--) {
      const next = i === length - 1 ? undefined : one.probe([at], { policy });
      at = await one.serve({
        echo(request) {
          calls[i] = (calls[i] as number) + 1;
          if (next === undefined) throw sick;
          return next.echo(request);
        },
      });
    }
    const call = (options?: CallOptions<"IDEMPOTENT">) => one.probe([at], { policy }).echo({}, options);
    return { calls, call };
  }

  for (const [name, policy] of Object.entries({ "a retry": retrying, "a hedge": hedging })) {
    test(`${name} in three levels sends the last one no more than one level would`, async () => {
      const { calls, call } = await chain(2, policy);
      expect(await failure(call())).toMatchObject({ code: UNAVAILABLE, final: true });
      expect(calls).toEqual([1, 4]);
    });

    test(`${name} in four levels too`, async () => {
      const { calls, call } = await chain(3, policy);
      expect(await failure(call())).toMatchObject({ code: UNAVAILABLE, final: true });
      expect(calls).toEqual([1, 1, 4]);
    });
  }

  test("a failure of one level itself is sent again by the level above it", async () => {
    const one = world();
    let failures = 1;
    const at = await one.serve({
      echo(request) {
        if (failures-- > 0) throw sick;
        return request;
      },
    });
    expect(await one.probe([at], { policy: retrying }).echo({ text: "hi" })).toMatchObject({ text: "hi" });
  });

  test("a handler may say itself that its failure is final", async () => {
    const one = world();
    let calls = 0;
    const at = await one.serve({
      echo() {
        calls++;
        throw new RpcError(UNAVAILABLE, "never again", { final: true });
      },
    });
    const failed = await failure(one.probe([at], { policy: retrying }).echo({}));
    expect(failed).toMatchObject({ message: "never again", final: true });
    expect(failed.metadata.get("grpc-retry-pushback-ms")).toBe("-1");
    expect(calls).toBe(1);
  });

  test("an error of a call made in turn names nothing of what is behind, in the midst of a stream too", async () => {
    const one = world();
    const behind = await one.serve({
      async *expand({ count }) {
        for (let i = 0; i < count; i++) yield {};
        throw new RpcError(Code.NOT_FOUND, "secret");
      },
    });
    const inner = one.probe([behind]);
    const front = one.probe([await one.serve({ expand: (request) => inner.expand(request) })]);
    for (const count of [0, 2]) {
      const replies = front.expand({ count });
      for (let i = 0; i < count; i++) await replies.next();
      const failed = await failure(replies.next());
      expect(failed.code).toBe(Code.NOT_FOUND);
      expect(failed.message).not.toContain("secret");
    }
  });
}

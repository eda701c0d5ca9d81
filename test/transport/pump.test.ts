import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { discard, pump } from "../../src/transport/pump.ts";

/** A drain that keeps what it takes, and says when it is over. */
function kept() {
  const taken: unknown[] = [];
  const { promise: over, resolve } = Promise.withResolvers<unknown>();
  const waiting: (() => void)[] = [];
  return {
    taken,
    over,
    waiting,
    drain: {
      write(message: unknown, written: () => void) {
        taken.push(message);
        waiting.push(written);
      },
      end: () => resolve("end"),
      fail: resolve,
    },
  };
}

async function* counting(log: string[] = [], count = 3) {
  try {
    for (let i = 0; i < count; i += 1) {
      log.push(`${i}`);
      yield i;
    }
  } finally {
    log.push("released");
  }
}

const turn = (): Promise<void> => new Promise(setImmediate);

test("the next message is taken only when there is room for it", async () => {
  const log: string[] = [];
  const { taken, waiting, drain, over } = kept();
  pump(counting(log), drain);
  await turn();
  expect(taken).toEqual([0]);
  expect(log).toEqual(["0"]);
  for (let i = 0; i < 3; i += 1) {
    waiting.shift()?.();
    await turn();
  }
  expect(taken).toEqual([0, 1, 2]);
  expect(await over).toBe("end");
});

test("an ordinary iterable will do", async () => {
  const taken: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const write = (message: unknown, written: () => void): void => {
    taken.push(message);
    written();
  };
  pump([1, 2], { write, end: resolve, fail: resolve });
  await promise;
  expect(taken).toEqual([1, 2]);
});

test("what is no stream is told", () => {
  for (const source of [undefined, null, 5, "text", {}]) {
    let error: unknown;
    pump(source, { write() {}, end() {}, fail: (thrown) => (error = thrown) });
    expect(error).toMatchObject({ message: expect.stringContaining("give an AsyncIterable") });
  }
});

test("what the source throws is passed on", async () => {
  const { over, drain } = kept();
  pump(
    (async function* () {
      yield* [];
      throw new Error("broken");
    })(),
    drain,
  );
  expect(await over).toEqual(new Error("broken"));
});

test("what cannot be written releases the source and is passed on", async () => {
  const log: string[] = [];
  const { over, drain } = kept();
  const write = (): void => {
    throw new Error("too large");
  };
  pump(counting(log), { ...drain, write });
  expect(await over).toEqual(new Error("too large"));
  await turn();
  expect(log).toEqual(["0", "released"]);
});

test("an end that cannot be written is passed on", async () => {
  const { over, drain } = kept();
  const end = (): void => {
    throw new Error("too large");
  };
  pump([], { ...drain, end });
  expect(await over).toEqual(new Error("too large"));
});

test("stopping releases the source, and nothing more is written", async () => {
  const log: string[] = [];
  const { taken, waiting, drain } = kept();
  const stop = pump(counting(log), drain);
  await turn();
  stop();
  stop();
  waiting.shift()?.();
  await turn();
  expect(taken).toEqual([0]);
  expect(log).toEqual(["0", "released"]);
});

test("what a source throws after it was stopped goes nowhere", async () => {
  const { drain, taken } = kept();
  const { promise, reject } = Promise.withResolvers<IteratorResult<number>>();
  const stop = pump({ [Symbol.asyncIterator]: () => ({ next: () => promise, return: () => promise }) }, drain);
  stop();
  reject(new Error("late"));
  await turn();
  expect(taken).toEqual([]);
});

test("a stream that is discarded is released", async () => {
  const log: string[] = [];
  const stream = counting(log);
  await stream.next();
  discard(stream);
  await turn();
  expect(log).toEqual(["0", "released"]);
  discard(undefined);
});

test("the source runs in the async context that it was handed over in", async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const { waiting, drain, over } = kept();
  async function* looking() {
    for (let i = 0; i < 3; i += 1) {
      seen.push(storage.getStore());
      yield i;
    }
  }
  storage.run("mine", () => pump(looking(), drain));
  for (let i = 0; i < 3; i += 1) {
    await turn();
    storage.run("the socket's", () => waiting.shift()?.());
  }
  await over;
  expect(seen).toEqual(["mine", "mine", "mine"]);
});

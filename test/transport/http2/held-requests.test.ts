import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import type { Call, Reply } from "../../../src/core/call.ts";
import { Code } from "../../../src/core/code.ts";
import type { RpcError } from "../../../src/core/rpc-error.ts";
import type { Peer } from "../../../src/core/transport.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";
import {
  type Answer,
  type Answers,
  cancelled,
  collect,
  createWorld,
  echo,
  event,
  failure,
  payload,
  reply,
  requests,
} from "../../contract/transport/world.ts";

const MIB = 1024 * 1024;
/** There is no event for what is waited for, and the machine may be busy. */
const SOON = { timeout: 15_000 };

let memory = new MemoryBudget({ bytes: MIB });
const world = createWorld(() => ({ transport: http2({ memory }) }));

interface Served {
  readonly peer: Peer;
  readonly address: string;
  /** Handlers that have a request and are not done. */
  readonly working: () => number;
  readonly most: () => number;
  /** Lets all go on, those that come too. */
  readonly release: () => void;
}

/** A server whose handlers keep what they were sent until they are told to go on. */
async function slow(
  bytes: number,
  answers: Answers = {},
  { patienceMs = 60_000, gzip = false, limits = {} } = {},
): Promise<Served> {
  memory = new MemoryBudget({ bytes, patienceMs });
  const gate = event();
  let working = 0;
  let most = 0;
  const holding = async (call: Call): Promise<Reply> => {
    await call.late?.ready();
    const message = call.request as Payload;
    if (message.data.length === 0) return reply(message);
    most = Math.max(most, ++working);
    await gate.happened;
    working--;
    return reply(payload(`${message.data.length}`));
  };
  const at = world();
  const { address } = await at.serve({ echo: holding, ...answers }, limits);
  const transport = http2({ memoryBudgetBytes: 256 * MIB });
  const peer = transport.connect({ address }, gzip ? { compression: "gzip" } : {});
  at.after(() => peer.close());
  return { peer, address, working: () => working, most: () => most, release: () => gate.happen() };
}

test.each([
  ["large", 1_000_000, false],
  ["of a frame", 100_000, false],
  ["compressed", 1_000_000, true],
] as const)(
  "requests that are %s wait while handlers hold as many as there is room for, small ones go on, and all are answered",
  async (_what, size, gzip) => {
    const room = 8 * MIB;
    const { peer, working, most, release } = await slow(2 * room, {}, { gzip });
    const calls = Array.from({ length: Math.ceil((1.5 * room) / size) }, () => echo(peer, payload("", size)));
    const answers = Promise.all(calls);
    await expect.poll(() => memory.requests.isShort, SOON).toBe(true);
    await expect.poll(working, SOON).toBeGreaterThan(1);
    expect(memory.requests.taken).toBeLessThanOrEqual(1.01 * (room / 2));
    expect((await echo(peer, payload("small"))).response).toEqual(payload("small"));
    release();
    for (const { response } of await answers) expect((response as Payload).text).toBe(`${size}`);
    expect(most() * size).toBeLessThanOrEqual(room / 2);
    await expect.poll(() => memory.requests.taken, SOON).toBe(0);
    expect(memory.held).toBe(0);
  },
);

test("of a stream of requests the message that its handler works on is held, and the next waits for room", async () => {
  const taken: number[] = [];
  const goOn = event();
  const { peer } = await slow(16 * MIB, {
    async collect(call) {
      let count = 0;
      for await (const { data } of requests(call)) {
        taken.push(memory.requests.taken);
        if (++count === 1) await goOn.happened;
        expect(data.length).toBe(1_500_000);
      }
      return reply({ count, bytes: 0n });
    },
  });
  async function* uploads(): AsyncGenerator<Payload> {
    for (let i = 0; i < 3; i++) yield payload("", 1_500_000);
  }
  const calls = Promise.all(Array.from({ length: 5 }, () => collect(peer, uploads())));
  await expect.poll(() => memory.requests.isShort, SOON).toBe(true);
  expect(taken).toHaveLength(2);
  goOn.happen();
  for (const { response } of await calls) expect(response).toMatchObject({ count: 3 });
  expect(Math.max(...taken)).toBeLessThanOrEqual(4 * MIB);
  await expect.poll(() => memory.requests.taken, SOON).toBe(0);
});

test("a request that waits for long is refused, its connection goes on, and what it came as is let go of", async () => {
  const { peer, release } = await slow(16 * MIB, {}, { patienceMs: 100 });
  const refused: RpcError[] = [];
  const three = event();
  const calls = Array.from({ length: 7 }, () =>
    echo(peer, payload("", 1_000_000)).catch((error) => void (refused.push(error) === 3 && three.happen())),
  );
  await three.happened;
  for (const { code } of refused) expect(code).toBe(Code.RESOURCE_EXHAUSTED);
  expect(memory.held).toBe(0);
  expect((await echo(peer, payload("small"))).response).toEqual(payload("small"));
  release();
  const replies = (await Promise.all(calls)).filter((each) => each !== undefined);
  expect(replies.map(({ response }) => (response as Payload).text)).toEqual(Array(4).fill("1000000"));
});

test("where others need memory, requests that wait are refused, and their connection goes on", async () => {
  const limits = { maxReceiveMessageBytes: 13 * MIB };
  const { peer, address, release } = await slow(16 * MIB, {}, { patienceMs: 2000, limits });
  const other = http2({ memoryBudgetBytes: 64 * MIB }).connect({ address }, {});
  const calls = Array.from({ length: 10 }, () => echo(peer, payload("", 1_000_000)).catch((error) => error));
  await expect.poll(() => memory.held, SOON).toBeGreaterThan(5_900_000);
  const before = performance.now();
  const large = echo(other, payload("", 12 * MIB));
  await expect.poll(() => memory.held, SOON).toBeGreaterThan(12 * MIB);
  // Those that nobody else waits for have twelve seconds.
  expect(performance.now() - before).toBeLessThan(11_000);
  release();
  expect(((await large).response as Payload).text).toBe(`${12 * MIB}`);
  const ends = await Promise.all(calls);
  const refused = ends.filter((end) => (end as RpcError).code === Code.RESOURCE_EXHAUSTED);
  expect(refused).toHaveLength(6);
  expect((await echo(peer, payload("small"))).response).toEqual(payload("small"));
  await other.close();
});

test("a request that waits is forgotten when its call is cancelled, or its connection is lost", async () => {
  const { peer, working, release } = await slow(16 * MIB);
  const stop = new AbortController();
  const calls = Array.from({ length: 7 }, (_, i) =>
    echo(peer, payload("", 1_000_000), i > 4 ? { cancellation: stop.signal } : {}),
  );
  const ends = Promise.allSettled(calls);
  await expect.poll(() => memory.held, SOON).toBe(3_000_012);
  stop.abort();
  await expect.poll(() => memory.held, SOON).toBeLessThan(1_100_000);
  await peer.close(0);
  await ends;
  await expect.poll(() => memory.held, SOON).toBe(0);
  expect(memory.requests.isShort).toBe(false);
  // The handlers go on.
  expect(working()).toBe(4);
  expect(memory.requests.taken).toBeGreaterThan(3_000_000);
  release();
  await expect.poll(() => memory.requests.taken, SOON).toBe(0);
});

test("who reads a request that waits for room, and does not wait for it, is refused", async () => {
  const full = event();
  const reads: Answer = async (call) => {
    if ((call.request as Payload).text === "last") return reply(payload("read"));
    full.happen();
    return cancelled(call);
  };
  const { peer } = await slow(16 * MIB, { echo: reads });
  const stop = new AbortController();
  const held = Array.from({ length: 4 }, () => echo(peer, payload("", 1_000_000), { cancellation: stop.signal }));
  const ends = Promise.allSettled(held);
  await expect.poll(() => memory.requests.taken, SOON).toBeGreaterThan(3_900_000);
  const error = await failure(echo(peer, payload("last", 1_000_000)));
  expect(error.code).toBe(Code.RESOURCE_EXHAUSTED);
  expect(error.message).toContain("await call.late?.ready()");
  stop.abort();
  await ends;
  await expect.poll(() => memory.requests.taken, SOON).toBe(0);
  expect((await echo(peer, payload("last", 1_000_000))).response).toEqual(payload("read"));
});

test("a request is let go of with the end of its call, however it ends", async () => {
  const failing = new Error("broken");
  const { peer } = await slow(16 * MIB, {
    async echo(call) {
      await call.late?.ready();
      if ((call.request as Payload).text === "fail") throw failing;
      return reply(payload());
    },
  });
  for (const size of [100_000, 1_000_000]) {
    await echo(peer, payload("answer", size));
    await failure(echo(peer, payload("fail", size)));
  }
  expect(memory.requests.taken).toBe(0);
});

test("echoes of large messages, many times what the budget is, wait for each other and none fails", async () => {
  memory = new MemoryBudget({ bytes: 64 * MIB });
  const { peer } = await world().pair({
    async echo(call) {
      await call.late?.ready();
      await new Promise(setImmediate);
      return reply(call.request);
    },
  });
  const calls = Array.from({ length: 50 }, (_, i) => echo(peer, payload(`${i}`, 3_000_000)));
  for (const [i, { response }] of (await Promise.all(calls)).entries()) {
    expect((response as Payload).text).toBe(`${i}`);
    expect((response as Payload).data.length).toBe(3_000_000);
  }
  expect(memory.requests.taken).toBe(0);
  expect(memory.unsent).toBe(0);
}, 60_000);

import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import { createChannel } from "../../../src/client/channel.ts";
import type { Call, Reply } from "../../../src/core/call.ts";
import { Code } from "../../../src/core/code.ts";
import { silent } from "../../../src/core/logger.ts";
import type { Peer } from "../../../src/core/transport.ts";
import { createServer } from "../../../src/server/server.ts";
import { ErrorCode, Flag, FrameType } from "../../../src/transport/http2/frame.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { leastBudgetBytes } from "../../../src/transport/http2/limits.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";
import { converse, createWorld, echo, failure, payload, reply, responses } from "../../contract/transport/world.ts";
import { beginMessages } from "../../support/begun-messages.ts";
import { rawClient, rawServer, requestBlock, uint32 } from "./raw-peer.ts";

const MIB = 1024 * 1024;
const ECHO = "/probe.v1.Probe/Echo";

let memory = new MemoryBudget({ bytes: MIB });
const world = createWorld(() => ({ transport: http2({ memory }) }));

function withMemory(bytes: number, patienceMs: number) {
  memory = new MemoryBudget({ bytes, patienceMs });
  return world();
}

function lengthOf({ request }: Call): Reply {
  return reply(payload(`${(request as Payload).data.length}`));
}

/** Makes calls one after the other until told to stop. */
function steadily(peer: Peer): () => Promise<number> {
  let going = true;
  const all = (async () => {
    let calls = 0;
    for (; going; calls++) await echo(peer, payload(`${calls}`));
    return calls;
  })();
  return () => {
    going = false;
    return all;
  };
}

test("messages that many begin and nobody ends fill the budget and an eighth of it at most, and others' calls go on", async () => {
  const { listener } = await withMemory(16 * MIB, 500).pair();
  // The client's own memory is another's.
  const peer = http2({ memoryBudgetBytes: 16 * MIB }).connect({ address: listener.address }, {});
  const stop = steadily(peer);
  const attack = { path: ECHO, messages: 100, claimedBytes: 4_000_000, sentBytes: 120 * 1024 };
  const attackers = Array.from({ length: 8 }, () => beginMessages(listener.address, attack));
  const ends: string[] = [];
  for (const { ended } of attackers) void ended.then((why) => ends.push(why));
  let most = 0;
  const look = setInterval(() => {
    most = Math.max(most, memory.held);
  }, 5);
  await Promise.race(attackers.map(({ ended }) => ended));
  // A large message of somebody else comes while they are still there.
  const { response } = await echo(peer, payload("large", 3_000_000));
  expect((response as Payload).data.length).toBe(3_000_000);
  clearInterval(look);
  expect(await stop()).toBeGreaterThan(0);
  expect(most).toBeGreaterThan(4 * MIB);
  // Beside it, what each connection may always have under way.
  expect(most).toBeLessThanOrEqual(18 * MIB + 9 * 128 * 1024);
  expect(new Set(ends)).toEqual(new Set(["ENHANCE_YOUR_CALM"]));
  for (const each of attackers) each.close();
  await peer.close();
});

test("the log says once that connections were ended, and how many", async () => {
  const warned: object[] = [];
  const logger = {
    ...silent,
    warn: (fields: object, text?: string) => void (text?.startsWith("connections were ended") && warned.push(fields)),
  };
  const listener = await withMemory(5 * MIB, 50).serve({}, { logger });
  const attack = { path: ECHO, messages: 100, claimedBytes: 4_000_000, sentBytes: 120 * 1024 };
  const attackers = Array.from({ length: 4 }, () => beginMessages(listener.address, attack));
  await Promise.race(attackers.map(({ ended }) => ended));
  expect(warned).toEqual([
    { address: listener.address, connections: expect.any(Number), heldBytes: expect.any(Number) },
  ]);
  expect(warned[0]).toSatisfy(
    (fields: { connections: number; heldBytes: number }) => fields.connections > 0 && fields.heldBytes > 64 * 1024,
  );
  for (const each of attackers) each.close();
});

test("a large message of a new client comes at once, however many connections do nothing", async () => {
  const listener = await withMemory(16 * MIB, 60_000).serve({ echo: lengthOf });
  const nothing = { path: ECHO, messages: 0, claimedBytes: 0, sentBytes: 0 };
  const idle = Array.from({ length: 200 }, () => beginMessages(listener.address, nothing));
  const peers = Array.from({ length: 3 }, () =>
    http2({ memoryBudgetBytes: 64 * MIB }).connect({ address: listener.address }, {}),
  );
  for (const peer of peers) await echo(peer, payload("small"));
  expect(memory.lent).toBeLessThanOrEqual(8 * MIB);
  await Promise.all(
    peers.map(async (peer) => {
      const { response } = await echo(peer, payload("large", 3_000_000));
      expect((response as Payload).text).toBe("3000000");
    }),
  );
  for (const each of idle) each.close();
  await Promise.all(peers.map((peer) => peer.close()));
});

test("a message of almost the whole budget comes at once where nobody else has anything", async () => {
  const limits = { maxReceiveMessageBytes: 15 * MIB };
  const listener = await withMemory(16 * MIB, 60_000).serve({ echo: lengthOf }, limits);
  const peer = http2({ memoryBudgetBytes: 16 * MIB }).connect({ address: listener.address }, limits);
  const { response } = await echo(peer, payload("large", 14 * MIB));
  expect((response as Payload).text).toBe(`${14 * MIB}`);
  await peer.close();
});

test("in the least budget that may be given a message of the largest size comes, and goes, at once", async () => {
  const limits = { maxReceiveMessageBytes: 3 * MIB };
  const least = leastBudgetBytes(3 * MIB);
  const listener = await withMemory(least, 60_000).serve({ echo: ({ request }) => reply(request) }, limits);
  const peer = http2({ memoryBudgetBytes: least }).connect({ address: listener.address }, limits);
  const message = payload("", 3 * MIB - 20);
  for (let i = 0; i < 3; i++) {
    const { data } = (await echo(peer, message)).response as Payload;
    expect(Buffer.compare(data, message.data)).toBe(0);
  }
  await peer.close();
});

test.each([
  ["request", 64 * MIB, 4 * MIB],
  ["reply", 4 * MIB, 64 * MIB],
] as const)(
  "a %s that not even the whole budget holds fails at once, on the side that is limited",
  async (which, ofClient, ofServer) => {
    const unlimited = { maxReceiveMessageBytes: -1 };
    const large = payload("", 8 * MIB);
    const listener = await withMemory(which === "request" ? ofServer : 64 * MIB, 60_000).serve(
      { echo: () => reply(which === "reply" ? large : payload()) },
      unlimited,
    );
    const peer = http2({ memoryBudgetBytes: which === "reply" ? ofClient : 64 * MIB }).connect(
      { address: listener.address },
      unlimited,
    );
    const error = await failure(echo(peer, which === "request" ? large : payload()));
    expect(error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, local: which === "reply" });
    expect(error.message).toMatch(
      /^a message of 83886\d\d bytes was received; memoryBudgetBytes is 4194304, and would have to be 85196\d\d$/,
    );
    expect(memory.held).toBe(0);
    await peer.close();
  },
);

test("what inflates to more than the whole budget holds fails as soon as it does", async () => {
  const unlimited = { maxReceiveMessageBytes: -1 };
  const listener = await withMemory(4 * MIB, 60_000).serve({}, unlimited);
  const options = { ...unlimited, compression: "gzip" } as const;
  const peer = http2({ memoryBudgetBytes: 64 * MIB }).connect({ address: listener.address }, options);
  const error = await failure(echo(peer, payload("", 32 * MIB)));
  expect(error.code).toBe(Code.RESOURCE_EXHAUSTED);
  expect(error.message).toContain("memoryBudgetBytes is 4194304, and would have to be");
  await expect.poll(() => memory.held).toBe(0);
  await peer.close();
});

test("a budget that holds no message of the largest size is refused, with the least", async () => {
  const small = http2({ memoryBudgetBytes: 4 * MIB });
  const why = `memoryBudgetBytes is 4194304, and one message of maxReceiveMessageBytes (4194304) takes 4325379: give so much, or allow smaller messages`;
  expect(() => createServer({ transport: small })).toThrow(new TypeError(why));
  expect(() => createChannel({ transport: small, endpoints: ["127.0.0.1:1"] })).toThrow(new TypeError(why));
  expect(() => http2({ memory: new MemoryBudget({ bytes: 4 * MIB }) }).connect({ address: "127.0.0.1:1" }, {})).toThrow(
    why,
  );
  expect(() => http2({ memoryBudgetBytes: 4_325_379 }).check?.({})).not.toThrow();
  expect(() => small.check?.({ maxReceiveMessageBytes: MIB })).not.toThrow();
  expect(() => http2({ memoryBudgetBytes: 1000 })).toThrow(
    "memoryBudgetBytes is 1000: give a whole number from 147459",
  );
});

test("what connections borrowed is given back when they close, and when calls end", async () => {
  const { peer, listener } = await withMemory(64 * MIB, 1000).pair();
  for (let i = 0; i < 3; i++) {
    await Promise.all(Array.from({ length: 10 }, () => echo(peer, payload("large", 1_000_000))));
  }
  expect(memory.held).toBe(0);
  await peer.close();
  await listener.close();
  expect(memory.lent).toBe(0);
});

test("a client whose calls are refused since too many are open keeps those that are", async () => {
  const limits = { maxReceiveMessageBytes: 64 * 1024 };
  const { peer } = await withMemory(MIB, 5000).pair({}, { listen: limits, connect: limits });
  const open = await Promise.allSettled(Array.from({ length: 100 }, () => converse(peer, oneThenNoMore())));
  const streams = open.flatMap((each) => (each.status === "fulfilled" ? [responses(each.value)] : []));
  expect(streams.length).toBeGreaterThan(10);
  expect(streams.length).toBeLessThan(100);
  let ended = 0;
  for (const stream of streams) {
    await stream.next();
    stream.next().catch(() => ended++);
  }
  // More at once than a client may reset, or have refused for asking too much.
  for (let refused = 0; refused < 7000; ) {
    const calls = await Promise.allSettled(Array.from({ length: 1000 }, () => echo(peer)));
    const errors = calls.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(errors.find(({ unprocessed }) => !unprocessed)).toBe(undefined);
    refused += errors.length;
  }
  expect(ended).toBe(0);
  expect(peer.inflight).toBe(streams.length);
  await peer.close(0);
});

async function* oneThenNoMore(): AsyncGenerator<Payload> {
  yield payload("one");
  await new Promise(() => {});
}

test("many large messages at once all arrive, though they are far more than the memory there is", async () => {
  const { peer } = await withMemory(8 * MIB, 5000).pair();
  const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => echo(peer, payload(`${i}`, 1_000_000))));
  for (const { response } of replies) expect((response as Payload).data.length).toBe(1_000_000);
  expect(memory.held).toBe(0);
});

test("a client whose connection is ended for memory says so", async () => {
  const server = await rawServer((peer) => {
    peer.send(FrameType.SETTINGS, 0, 0);
    void peer
      .frame(({ type }) => type === FrameType.HEADERS)
      .then(() => {
        const last = uint32(1);
        const code = uint32(ErrorCode.ENHANCE_YOUR_CALM);
        peer.send(FrameType.GOAWAY, 0, 0, Buffer.concat([last, code, Buffer.from("memory is short")]));
        peer.socket.end();
      });
  });
  const peer = http2().connect({ address: server.address }, {});
  const error = await failure(echo(peer, payload("hello")));
  expect(error.message).toContain("the server closed it (ENHANCE_YOUR_CALM: memory is short)");
  await Promise.all([peer.close(), server.close()]);
});

test("calls that are opened and never end take no more than half of the budget, and others' calls go on", async () => {
  const warnings: string[] = [];
  const logger = { ...silent, warn: (_: object, text?: string) => void warnings.push(text ?? "") };
  const { listener } = await withMemory(16 * MIB, 500).pair({}, { listen: { logger } });
  const peer = http2({ memoryBudgetBytes: 16 * MIB }).connect({ address: listener.address }, {});
  await echo(peer);
  const attackers = await Promise.all(Array.from({ length: 4 }, () => rawClient(listener.address)));
  for (const [at, each] of attackers.entries()) {
    for (let id = 1; id < 2000; id += 2) {
      const block = requestBlock("/probe.v1.Probe/Collect", { "x-padding": "x".repeat(100), "x-of": `${at} ${id}` });
      each.send(FrameType.HEADERS, Flag.END_HEADERS, id, block);
    }
  }
  await Promise.all(attackers.map((each) => each.frame(({ type }) => type === FrameType.RST_STREAM)));
  expect(memory.calls.taken).toBeGreaterThan(3 * MIB);
  expect(memory.calls.taken).toBeLessThan(5 * MIB);
  expect(listener.inflight).toBeLessThan(1000);
  await Promise.all(Array.from({ length: 9 }, () => echo(peer)));
  expect(warnings.filter((text) => text.startsWith("calls are refused"))).toHaveLength(1);
  for (const each of attackers) each.socket.destroy();
  await Promise.all(attackers.map(({ closed }) => closed));
  await expect.poll(() => memory.calls.taken).toBe(0);
  await peer.close();
});

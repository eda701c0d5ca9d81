import { randomBytes } from "node:crypto";
import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { compressFramed, decodedInTurn } from "../../../src/transport/http2/compression.ts";
import { inflate, TooLargeError } from "../../../src/transport/http2/inflate.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";

const MIB = 1024 * 1024;
const wanted = (): void => {};
const open = () => new MemoryBudget({ bytes: 64 * MIB }).open({ room() {}, evict() {} }, 0);

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
] as const)("what %s has inflated is charged until it is freed", async (encoding, compress) => {
  const account = open();
  const bytes = Buffer.alloc(3 * MIB, "abc");
  const inflated = await inflate(encoding, compress(bytes), 4 * MIB, account, wanted);
  expect(inflated.bytes.equals(bytes)).toBe(true);
  expect(account.held).toBe(3 * MIB);
  inflated.free();
  expect(account.held).toBe(0);
});

test("it is charged as it comes, and is given up as soon as it is too large", async () => {
  const account = open();
  const held: number[] = [];
  const { hold } = account;
  account.hold = (bytes) => {
    hold.call(account, bytes);
    held.push(account.held);
  };
  await expect(inflate("gzip", gzipSync(Buffer.alloc(64 * MIB)), MIB, account, wanted)).rejects.toThrow(TooLargeError);
  expect(held.length).toBeGreaterThan(10);
  expect(Math.max(...held)).toBeLessThan(2 * MIB);
  expect(account.held).toBe(0);
});

test("what is not of the encoding is charged no longer", async () => {
  const account = open();
  const broken = gzipSync(Buffer.alloc(MIB)).subarray(0, -12);
  await expect(inflate("gzip", broken, 4 * MIB, account, wanted)).rejects.toThrow();
  expect(account.held).toBe(0);
});

test("what nobody wants any more is inflated no further, and charged no longer", async () => {
  const account = open();
  let chunks = 0;
  const over = new Error("the call is over");
  const once = (): void => {
    if (++chunks === 3) throw over;
  };
  await expect(inflate("gzip", gzipSync(Buffer.alloc(64 * MIB)), 64 * MIB, account, once)).rejects.toBe(over);
  expect(chunks).toBe(3);
  expect(account.held).toBe(0);
});

test("messages that wait for their turn are charged as they came, and those of a call that is over are dropped", async () => {
  const account = open();
  const bytes = gzipSync(randomBytes(MIB));
  const over = new Error("the call is over");
  let isOver = false;
  const mustBeWanted = (): void => {
    if (isOver) throw over;
  };
  const message = { encoding: "gzip", bytes, maxBytes: 2 * MIB, memory: account, decode: (all: Buffer) => all.length };
  const all = Array.from({ length: 20 }, () => decodedInTurn({ ...message, mustBeWanted }));
  expect(account.held).toBe(20 * bytes.length);
  isOver = true;
  for (const { status } of await Promise.allSettled(all)) expect(status).toBe("rejected");
  expect(account.held).toBe(0);
  expect(await decodedInTurn({ ...message, mustBeWanted: wanted })).toBe(MIB);
});

test("messages are compressed in turn, and those that nobody wants by then are not", async () => {
  const [many, few] = [open(), open()];
  const framed = Buffer.concat([Buffer.alloc(5), randomBytes(MIB)]);
  const done: string[] = [];
  let over = false;
  const all = Array.from({ length: 40 }, async () => {
    const compressed = await compressFramed("gzip", framed, many, () => !over);
    done.push(compressed === undefined ? "not wanted" : "many");
  });
  const compressed = await compressFramed("gzip", framed, few, () => true);
  expect(compressed?.subarray(0, 1)).toEqual(Buffer.of(1));
  over = true;
  expect(done.length).toBeLessThan(10);
  await Promise.all(all);
  expect(done.filter((what) => what === "many").length).toBeLessThan(15);
});

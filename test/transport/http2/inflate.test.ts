import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { inflate, TooLargeError } from "../../../src/transport/http2/inflate.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";

const MIB = 1024 * 1024;
const open = () => new MemoryBudget({ bytes: 64 * MIB }).open({ room() {}, evict() {} }, 0);

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
] as const)("what %s has inflated is charged until it is freed", async (encoding, compress) => {
  const account = open();
  const bytes = Buffer.alloc(3 * MIB, "abc");
  const inflated = await inflate(encoding, compress(bytes), 4 * MIB, account);
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
  await expect(inflate("gzip", gzipSync(Buffer.alloc(64 * MIB)), MIB, account)).rejects.toThrow(TooLargeError);
  expect(held.length).toBeGreaterThan(10);
  expect(Math.max(...held)).toBeLessThan(2 * MIB);
  expect(account.held).toBe(0);
});

test("what is not of the encoding is charged no longer", async () => {
  const account = open();
  const broken = gzipSync(Buffer.alloc(MIB)).subarray(0, -12);
  await expect(inflate("gzip", broken, 4 * MIB, account)).rejects.toThrow();
  expect(account.held).toBe(0);
});

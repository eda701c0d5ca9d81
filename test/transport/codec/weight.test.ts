import { expect, test } from "vitest";
import { weightOf } from "../../../src/transport/codec/weight.ts";

const KIB = 1024;

test.each<[string, unknown, number, number]>([
  ["bytes", { data: new Uint8Array(100 * KIB) }, 100 * KIB, 101 * KIB],
  ["text", { text: "x".repeat(100 * KIB) }, 100 * KIB, 101 * KIB],
  ["small numbers", { list: Array.from({ length: 10_000 }, () => 1) }, 80_000, 130_000],
  ["short texts", { list: Array.from({ length: 10_000 }, () => "ab") }, 320_000, 400_000],
  ["64-bit integers", { list: Array.from({ length: 10_000 }, () => 1n) }, 320_000, 400_000],
  ["empty messages", { list: Array.from({ length: 10_000 }, () => ({})) }, 320_000, 400_000],
  ["a map by text", Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`${i}`, ""])), 800_000, 1_200_000],
  ["a map", { map: new Map(Array.from({ length: 10_000 }, (_, i) => [BigInt(i), ""])) }, 800_000, 1_200_000],
])("a message of %s is as heavy as what it becomes", (_what, message, least, most) => {
  const weight = weightOf(message, 100 * KIB);
  expect(weight).toBeGreaterThanOrEqual(least);
  expect(weight).toBeLessThanOrEqual(most);
});

test("what a foreign codec makes may hang together in circles, or throw", () => {
  const circle: Record<string, unknown> = {};
  Object.assign(circle, { one: circle, two: circle, three: [circle, circle] });
  expect(weightOf(circle, 10)).toBeLessThan(100 * KIB * KIB);
  const throwing = {
    get field() {
      throw new Error("not set");
    },
  };
  expect(weightOf(throwing, 10)).toBeGreaterThan(0);
});

import { expect, test } from "vitest";
import { formatTimeout, parseTimeout } from "../../src/transport/grpc-timeout.ts";

test("a timeout is written in milliseconds, rounded up, while they fit in eight digits", () => {
  expect(formatTimeout(0)).toBe("0m");
  expect(formatTimeout(0.2)).toBe("1m");
  expect(formatTimeout(1500)).toBe("1500m");
  expect(formatTimeout(99_999_999)).toBe("99999999m");
});

test("a longer timeout is written in seconds, never shorter than it is", () => {
  expect(formatTimeout(100_000_000)).toBe("100000S");
  expect(formatTimeout(100_000_001)).toBe("100001S");
  expect(formatTimeout(2_147_483_000)).toBe("2147483S");
});

test("a timeout that has no room in 31 bits of milliseconds is not written", () => {
  for (const ms of [2_147_483_001, 2 ** 31, 99_999_999_001, 1e14, 1e300]) expect(formatTimeout(ms)).toBeUndefined();
});

test("no deadline is no timeout, and one that has passed is none left", () => {
  expect(formatTimeout(Number.POSITIVE_INFINITY)).toBeUndefined();
  expect(formatTimeout(-5)).toBe("0m");
});

test("every unit is read", () => {
  const read = ["2H", "2M", "2S", "2m", "2u", "2n", "0S", "99999999H"].map(parseTimeout);
  expect(read).toEqual([7_200_000, 120_000, 2000, 2, 0.002, 0.000002, 0, 99_999_999 * 3_600_000]);
});

test("what is no timeout is not read", () => {
  for (const text of ["", "5", "S", "-1S", "1.5S", "123456789S", "1s", "1 S", "1S ", "1SS", "١S"]) {
    expect(parseTimeout(text), text).toBeUndefined();
  }
});

test("what is written is read again", () => {
  for (const ms of [1, 999, 12_345, 99_999_999, 5e8, 2e9]) {
    expect(parseTimeout(formatTimeout(ms) as string)).toBeGreaterThanOrEqual(ms);
  }
});

import { expect, test } from "vitest";
import { seldomByAddress } from "../../src/core/seldom-by-address.ts";

interface Line {
  readonly what: string;
  readonly unsaid: number;
}

function telling(everyMs: number) {
  const lines: Line[] = [];
  const say = seldomByAddress<{ what: string }>(everyMs, (line) => lines.push(line));
  return { lines, say };
}

test("one that tries again and again has a line, and another beside it has one too", () => {
  const { lines, say } = telling(60_000);
  for (let i = 0; i < 5; i++) say("192.0.2.1", { what: "one" });
  say("192.0.2.2", { what: "other" });
  say("2001:db8::1", { what: "net" });
  say("2001:db8::2", { what: "net" });
  say(undefined, { what: "unix" });
  expect(lines.map(({ what }) => what)).toEqual(["one", "other", "net", "unix"]);
});

test("what was left unsaid is counted, address by address", async () => {
  const { lines, say } = telling(20);
  for (let i = 0; i < 3; i++) say("192.0.2.1", { what: "one" });
  await expect.poll(() => say("192.0.2.1", { what: "one" }), { interval: 5 }).toBe(true);
  expect(lines[1]?.unsaid).toBeGreaterThanOrEqual(2);
});

test("of a million addresses most share their lines", () => {
  const { lines, say } = telling(60_000);
  for (let i = 0; i < 1_000_000; i++) say(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, { what: "scan" });
  expect(lines.length).toBeLessThan(300);
});

import { expect, test } from "vitest";
import { printable } from "../../src/core/printable.ts";

test("what a terminal obeys is written as an escape", () => {
  expect(printable("\u001b]0;title\u0007")).toBe("\\u001b]0;title\\u0007");
  expect(printable("a\r\nb\tc")).toBe("a\\r\\nb\\tc");
  expect(printable("\u007f \u009b2J \u2028 \u2029")).toBe("\\u007f \\u009b2J \\u2028 \\u2029");
  const bidirectional = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c";
  expect(printable(bidirectional)).toMatch(/^(\\u[0-9a-f]{4}){12}$/);
  expect(printable("half \ud83d of a character")).toBe("half \\ud83d of a character");
});

test("what is only read stays as it is", () => {
  const text = 'grüße, "שלום" 👩‍👩‍👧 \\n ½ – ﷽';
  expect(printable(text)).toBe(text);
});

test("JSON stays the same value, whatever its text holds", () => {
  const characters = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
  const value = Object.fromEntries(characters.map((each) => [`a${each}b`, each]));
  const text = printable(JSON.stringify(value));
  expect(JSON.parse(text)).toEqual(value);
  expect(printable(text)).toBe(text);
});

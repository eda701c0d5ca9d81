import { expect, test } from "vitest";
import { escapeMessage, unescapeMessage } from "../../src/transport/grpc-message.ts";

test("printable ASCII stands as it is, but for the percent sign", () => {
  const all = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).join("");
  expect(escapeMessage(all)).toBe(all.replace("%", "%25"));
});

test("everything else is escaped as UTF-8", () => {
  expect(escapeMessage("größer\n€👋\u007f")).toBe("gr%C3%B6%C3%9Fer%0A%E2%82%AC%F0%9F%91%8B%7F");
});

test("what was escaped is what was meant", () => {
  for (const message of ["", "plain", "100 %", "%41", "größer\r\n👋", "\u0000", "a,b;c=d#e"]) {
    expect(unescapeMessage(escapeMessage(message))).toBe(message);
  }
});

test("either case of the digits is read, and characters that need no escape may have one", () => {
  expect(unescapeMessage("%c3%B6%2c%41")).toBe("ö,A");
});

test("what is no escape stands as it is", () => {
  for (const text of ["%", "%4", "%zz", "100%", "%%", "a%g1b"]) expect(unescapeMessage(text)).toBe(text);
  expect(unescapeMessage("%%41")).toBe("%A");
});

test("bytes that are no UTF-8 become replacement characters", () => {
  expect(unescapeMessage("a%FFb")).toBe("a\ufffdb");
});

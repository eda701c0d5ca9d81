import { describe, expect, test } from "vitest";

import { CollectReply, ExpandRequest, Payload } from "../../gen/probe/v1/probe.ts";
import { wholeOf } from "../../src/core/whole.ts";

describe("a message with every field", () => {
  test("is handed on as it is", () => {
    const given = { text: "a", data: Uint8Array.of(1) };
    expect(wholeOf(Payload)(given)).toBe(given);
  });

  test("is handed on with fields that its type does not know, which are not sent", () => {
    const given = { text: "a", data: Uint8Array.of(), more: 1 };
    expect(wholeOf(Payload)(given)).toBe(given);
  });
});

test.each([
  ["a field left out", Payload, { text: "a" }, { text: "a", data: new Uint8Array() }],
  ["undefined", Payload, { text: undefined, data: Uint8Array.of(1) }, { text: "", data: Uint8Array.of(1) }],
  ["null", Payload, { text: "a", data: null }, { text: "a", data: new Uint8Array() }],
  ["a number for a bigint", CollectReply, { count: 1, bytes: 5 }, { count: 1, bytes: 5n }],
  ["nothing", ExpandRequest, {}, { count: 0, size: 0, delayMs: 0 }],
])("%s is filled in", (_what, type, given, whole) => {
  const made = wholeOf(type as never)(given);
  expect(made).toEqual(whole);
  expect(made).not.toBe(given);
});

test("what is given for nested messages and lists is copied", () => {
  const type = {
    ...Payload,
    fromPartial: (given: { list?: string[] }) => ({ list: given.list?.slice() ?? [] }),
  };
  const given = { list: ["a"] };
  const made = wholeOf(type as never)(given) as typeof given;
  expect(made).toEqual(given);
  expect(made.list).not.toBe(given.list);
});

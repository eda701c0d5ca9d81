import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { inspect } from "node:util";
import { pino } from "pino";
import { createChannel, createClient, createServer } from "trunkline";
import { expect, expectTypeOf, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { CollectReply } from "../../gen/probe/v1/probe.ts";
import * as shapes from "../codegen/golden/shapes/v1/shapes.ts";
import { Everything, Longs } from "../codegen/golden/shapes/v1/shapes.ts";

test("JSON.stringify takes a reply that holds 64-bit integers, wherever they stand in it", async () => {
  await using server = createServer();
  server.add(Probe, {
    echo: (request) => request,
    async *expand() {},
    collect: () => ({ count: 1, bytes: 2n ** 60n }),
    async *converse() {},
  });
  await using channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")] });
  const reply = await createClient(Probe, channel).collect([]);
  expect(JSON.stringify({ reply: [reply] })).toBe('{"reply":[{"count":1,"bytes":"1152921504606846976"}]}');
});

test("in fields, lists, maps, oneofs, wrappers and messages of a message", () => {
  const text = JSON.stringify(
    Everything.fromPartial({
      anInt64: -1n,
      maybeInt64: 2n,
      manyInt64: [3n, 4n],
      namesById: new Map([[5n, "five"]]),
      kindsByFlag: new Map([[true, 1]]),
      time: { seconds: 6n },
      choice: { $case: "chosenPart", value: { index: 7 } },
      wrappedInt64: 8n,
      tagsByName: { a: { key: "b" } },
      someBytes: new Uint8Array([9]),
      again: { aSint64: 10n },
    }),
  );
  expect(JSON.parse(text)).toMatchObject({
    aDouble: 0,
    anInt64: "-1",
    maybeInt64: "2",
    manyInt64: ["3", "4"],
    namesById: { "5": "five" },
    kindsByFlag: { true: 1 },
    time: { seconds: "6", nanos: 0 },
    choice: { $case: "chosenPart", value: { index: 7 } },
    wrappedInt64: "8",
    tagsByName: { a: { key: "b", value: "" } },
    someBytes: { "0": 9 },
    again: { aSint64: "10" },
  });
});

test("in every place where they can stand alone", () => {
  const longs = Longs.fromPartial({
    byName: { a: 1n, toJSON: 2n },
    byNumber: new Map([[3n, 4n]]),
    choice: { $case: "big", value: 5n },
    wrapped: [6n],
    tag: { key: "a" },
  });
  expect(JSON.parse(JSON.stringify(longs))).toEqual({
    byName: { a: "1", toJSON: "2" },
    byNumber: { "3": "4" },
    choice: { $case: "big", value: "5" },
    wrapped: ["6"],
    tag: { key: "a", value: "" },
  });
});

test("no message of the contracts here is left out", () => {
  for (const type of Object.values(shapes)) {
    if (typeof type !== "object" || !("fromPartial" in type) || type.$type.endsWith("Entry")) continue;
    JSON.stringify(type.fromPartial({}));
    const holdsText = Object.values(type.fromPartial({})).some(
      (value) => typeof value === "bigint" || value instanceof Map,
    );
    expect("toJSON" in type.fromPartial({}), type.$type).toBe(holdsText);
  }
});

test("a message is equal to a literal all the same, by every assert, and has nothing more of its own", () => {
  const message = CollectReply.decode(CollectReply.encode({ count: 1, bytes: 5n }).finish());
  const literal = { count: 1, bytes: 5n };
  assert.deepStrictEqual(message, literal);
  assert.deepStrictEqual({ in: [literal] }, { in: [message] });
  expect(message).toStrictEqual(literal);
  expect(structuredClone(message)).toStrictEqual(literal);
  expect(Object.keys(message)).toEqual(["count", "bytes"]);
  const inherited = [];
  for (const key in message) inherited.push(key);
  expect(inherited).toEqual(["count", "bytes"]);
  expect({ ...message }).toStrictEqual(literal);
  expect(inspect(message)).toBe(inspect(literal));
  expect(inspect(message, { showHidden: true })).toBe(inspect(literal));
  expect(message.constructor).toBe(Object);
  expect(Object.getPrototypeOf(shapes.Everything_Part.fromPartial({}))).toBe(Object.prototype);
});

test("its type is that of a literal: nobody has to give it a toJSON", () => {
  expectTypeOf<CollectReply>().toEqualTypeOf<{ count: number; bytes: bigint }>();
  expectTypeOf<keyof Longs>().toEqualTypeOf<"byName" | "byNumber" | "choice" | "wrapped" | "tag">();
});

test("messages that stand in a copy, or in an object of one's own, are written all the same", () => {
  const { again, ...rest } = Everything.fromPartial({ again: { anInt64: 1n }, time: { seconds: 2n } });
  expect(JSON.parse(JSON.stringify({ again, time: rest.time, n: 3 }))).toMatchObject({
    again: { anInt64: "1" },
    time: { seconds: "2", nanos: 0 },
    n: 3,
  });
  const whole = shapes.Everything_Part.fromPartial({ index: 1 });
  expect(JSON.stringify({ ...whole })).toBe(JSON.stringify(whole));
});

test("a copy has lost it, and is a message again by fromPartial", () => {
  const copy = { ...CollectReply.fromPartial({ bytes: 5n }), count: 2 };
  expect(() => JSON.stringify(copy)).toThrow(/BigInt/);
  expect(JSON.stringify(CollectReply.fromPartial(copy))).toBe('{"count":2,"bytes":"5"}');
});

test("what is written is read by fromPartial", () => {
  const message = Everything.fromPartial({
    anInt64: -(2n ** 63n),
    manyInt64: [2n ** 60n],
    choice: { $case: "chosenPart", value: { index: 7 } },
    wrappedInt64: 8n,
    time: { seconds: 6n },
  });
  const { someBytes: _, namesById: __, kindsByFlag: ___, ...read } = JSON.parse(JSON.stringify(message));
  expect(Everything.fromPartial(read)).toEqual(message);
});

test("a reply in a line of pino's has its 64-bit integers as text, none rounded", () => {
  let line = "";
  const into = new Writable({
    write(chunk, _encoding, done) {
      line += chunk;
      done();
    },
  });
  pino(into).info({ reply: CollectReply.fromPartial({ bytes: 2n ** 60n + 1n }) }, "collected");
  expect(JSON.parse(line).reply).toEqual({ count: 0, bytes: "1152921504606846977" });
});

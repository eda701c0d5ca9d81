import { expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Payload } from "../../gen/probe/v1/probe.ts";
import { Code } from "../../src/core/code.ts";
import { checkSize, decodeMessage, encodeMessage } from "../../src/transport/message.ts";

const { echo, expand } = Probe.methods;

test("a message is encoded and decoded by its type", () => {
  const message = { text: "hello", data: Uint8Array.of(1) };
  const bytes = encodeMessage(echo, "request", message);
  expect([...bytes]).toEqual([...Payload.encode(message).finish()]);
  expect(decodeMessage(echo, "request", bytes)).toEqual(message);
});

test("the field that does not encode is named", () => {
  const what = 'the request of /probe.v1.Probe/Expand does not encode as probe.v1.ExpandRequest: field "size": ';
  expect(() => encodeMessage(expand, "request", { count: 1, size: -1, delayMs: 0 })).toThrow(what);
  expect(() => encodeMessage(expand, "request", { count: 1, size: "two", delayMs: 0 })).toThrow(what);
  expect(() => encodeMessage(echo, "response", { text: "", data: 7 })).toThrow(
    'what the handler of /probe.v1.Probe/Echo returned does not encode as probe.v1.Payload: field "data": ',
  );
});

test("what is no message at all is told", () => {
  for (const [value, said] of [
    [undefined, "undefined"],
    [null, "null"],
    ["text", "a string"],
    [() => {}, "a function"],
  ]) {
    expect(() => encodeMessage(echo, "request", value)).toThrow(`it is ${said}`);
  }
});

test("bytes that do not decode are INTERNAL, with the reason", () => {
  const decode = (): unknown => decodeMessage(echo, "request", Uint8Array.of(0x0a, 0x05, 0x41));
  expect(decode).toThrow("the request of /probe.v1.Probe/Echo does not decode as probe.v1.Payload: ");
  expect(decode).toThrow(expect.objectContaining({ code: Code.INTERNAL }));
});

test("a limit holds for what is over it, and -1 is none", () => {
  expect(() => checkSize("sent", 100, 100)).not.toThrow();
  expect(() => checkSize("sent", 1e9, undefined)).not.toThrow();
  expect(() => checkSize("received", 1e9, -1)).not.toThrow();
  expect(() => checkSize("received", 101, 100)).toThrow("a message of 101 bytes was received; the limit is 100");
});

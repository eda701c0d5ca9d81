import { describe, expect, test } from "vitest";
import { ListServiceResponse } from "../../gen/grpc/reflection/v1/reflection.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Payload } from "../../gen/probe/v1/probe.ts";
import { Code } from "../../src/core/code.ts";
import type { MessageType } from "../../src/core/message.ts";
import { decodeMessage, encodeMessage } from "../../src/transport/message.ts";
import { checkSize } from "../../src/transport/oversize.ts";
import { Rich } from "./codec/golden/rich.ts";

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
    'the reply of /probe.v1.Probe/Echo does not encode as probe.v1.Payload: field "data": ',
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

describe("a message of many parts", () => {
  const list = { ...echo, request: ListServiceResponse as MessageType<unknown> };
  const decode = (bytes: Buffer): unknown => decodeMessage(list as never, "request", bytes);
  const size = 4 * 1024 * 1024;

  test("is refused where it would take many times its bytes", () => {
    const bytes = Buffer.alloc(size, Buffer.from("0a00", "hex"));
    expect(() => decode(bytes)).toThrow("it would take more than 88 MiB once it is decoded");
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: Code.RESOURCE_EXHAUSTED }));
  });

  test("is refused for empty values of bytes too", () => {
    const datas = { ...echo, request: Rich as MessageType<unknown> };
    const bytes = Buffer.alloc(size, Buffer.from("aa0100", "hex"));
    expect(() => decodeMessage(datas as never, "request", bytes)).toThrow(
      "it would take more than 88 MiB once it is decoded",
    );
  });

  test("is decoded where its parts are small, or few", () => {
    const small = Buffer.alloc(size - (size % 6), Buffer.from("0a040a026162", "hex"));
    expect((decode(small) as ListServiceResponse).service).toHaveLength(Math.floor(size / 6));
    const empty = Buffer.alloc(512 * 1024, Buffer.from("0a00", "hex"));
    expect((decode(empty) as ListServiceResponse).service).toHaveLength(256 * 1024);
  });
});

test("a limit holds for what is over it, and -1 is none", () => {
  expect(() => checkSize(echo, "request", "sent", 100, 100)).not.toThrow();
  expect(() => checkSize(echo, "request", "sent", 1e9, undefined)).not.toThrow();
  expect(() => checkSize(echo, "request", "received", 1e9, -1)).not.toThrow();
  expect(() => checkSize(echo, "request", "received", 101, 100)).toThrow(
    "the request of /probe.v1.Probe/Echo has 101 bytes; the limit is 100, the server's maxReceiveMessageBytes",
  );
});

import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type ChannelOptions, Client, credentials } from "@grpc/grpc-js";
import type { FileDescriptor, MessageType } from "trunkline/contract";
import { describe, expect, test } from "vitest";
import type { Method, Service } from "../../src/core/method.ts";
import * as clash from "./golden/clash/v1/clash.rpc.ts";
import * as edition from "./golden/edition/v1/edition.rpc.ts";
import * as proto2 from "./golden/edition/v1/proto2.rpc.ts";
import * as names from "./golden/names/v1/names.rpc.ts";
import * as bare from "./golden/nopackage.rpc.ts";
import * as policy from "./golden/policy/v1/policy.rpc.ts";
import * as shapes from "./golden/shapes/v1/shapes.rpc.ts";
import { Everything } from "./golden/shapes/v1/shapes.ts";

const services = [clash, edition, proto2, names, bare, policy, shapes].flatMap((file) => Object.values<Service>(file));

/** What comes out of the wire when this goes in. */
function sent<T>(type: MessageType<T>, message: object): T {
  return type.decode(type.encode(type.fromPartial(message as never)).finish());
}

describe.each(services.map((service) => [service.name, service] as const))("%s", (name, service) => {
  const methods = Object.entries<Method>(service.methods);

  test("each method knows its path, and its messages go over the wire and come back", () => {
    for (const [, method] of methods) {
      expect(method.path).toBe(`/${name}/${method.name}`);
      for (const type of [method.request, method.response]) {
        expect(sent(type, {})).toEqual(type.fromPartial({} as never));
      }
    }
  });

  test("no method is called as a property of every object, nor `then`", () => {
    for (const [property] of methods) expect(property in Object.prototype || property === "then").toBe(false);
  });

  test("its descriptor describes it, without comments, and has all that it imports", () => {
    const proto = read(service.file);
    const described = proto.service.find(
      (each) => name === (proto.package ? `${proto.package}.${each.name}` : each.name),
    );
    expect(described?.method.map((each) => each.name)).toEqual(methods.map(([, method]) => method.name));
    for (const file of all(service.file)) {
      const { sourceCodeInfo, dependency } = read(file);
      expect(sourceCodeInfo).toBeUndefined();
      expect(file.dependencies.map((each) => each.name)).toEqual(dependency);
    }
  });
});

function read(file: FileDescriptor | undefined) {
  const proto = fromBinary(FileDescriptorProtoSchema, base64Decode(file?.base64 ?? ""));
  expect(proto.name).toBe(file?.name);
  return proto;
}

function all(file: FileDescriptor | undefined): FileDescriptor[] {
  return file === undefined ? [] : [file, ...file.dependencies.flatMap(all)];
}

test("the four shapes, the idempotency and the deprecation are those of the contract", () => {
  const { unary, split, join, talk, old } = shapes.Shapes.methods;
  expect(
    [unary, split, join, talk].map((method) => [method.kind, method.requestStream, method.responseStream]),
  ).toEqual([
    ["unary", false, false],
    ["server_streaming", false, true],
    ["client_streaming", true, false],
    ["bidi_streaming", true, true],
  ]);
  expect([unary.idempotency, split.idempotency, join.idempotency]).toEqual([
    "NO_SIDE_EFFECTS",
    "IDEMPOTENT",
    "IDEMPOTENCY_UNKNOWN",
  ]);
  expect([unary.deprecated, old.deprecated]).toEqual([false, true]);
});

test("a message with every kind of field comes back as it was sent", () => {
  const message = {
    aDouble: 1.5,
    aFloat: -0.5,
    anInt32: -3,
    anInt64: -(2n ** 63n),
    aUint32: 4_294_967_295,
    aUint64: 2n ** 64n - 1n,
    aSint32: -7,
    aSint64: -8n,
    aFixed32: 9,
    aFixed64: 10n,
    aSfixed32: -11,
    aSfixed64: -12n,
    aBool: true,
    aString: "grüße 👋",
    someBytes: new Uint8Array([0, 255]),
    kind: -1,
    part: { index: 1, detail: { text: "deep" } },
    tag: { key: "k", value: "v" },
    maybeString: "",
    maybeInt64: 0n,
    manyInt64: [1n, -1n],
    manyTags: [{ key: "a", value: "b" }],
    tagsByName: { one: { key: "1", value: "" } },
    namesById: new Map([[2n ** 60n, "big"]]),
    kindsByFlag: new Map([[true, 1]]),
    choice: { $case: "chosenPart", value: { index: 2, detail: undefined } },
    time: { seconds: -1n, nanos: 999_999_999 },
    duration: { seconds: 3n, nanos: 5 },
    any: { typeUrl: "type.googleapis.com/shapes.v1.Tag", value: new Uint8Array([10, 1, 97]) },
    object: { list: [1, "two", null], flag: false },
    value: { nested: true },
    wrappedString: "",
    wrappedInt64: 0n,
    again: Everything.fromPartial({ aString: "again" }),
  };
  expect(sent(Everything, message)).toEqual(message);
});

test("an optional field that is left out is undefined, one that is not optional has its default", () => {
  const { maybeString, aString, choice, wrappedString } = sent(Everything, {});
  expect([maybeString, aString, choice, wrappedString]).toEqual([undefined, "", undefined, undefined]);
});

test("the types that come with protobuf are messages like others when they are a request or a response", () => {
  const { nothing, text, number, flag, time, json, items } = shapes.WellKnown.methods;
  expect(sent(nothing.request, {})).toEqual({});
  expect(sent(text.request, { value: "text" })).toEqual({ value: "text" });
  expect(sent(text.response, { value: new Uint8Array([1]) })).toEqual({ value: new Uint8Array([1]) });
  expect(sent(number.request, { value: -(2n ** 63n) })).toEqual({ value: -(2n ** 63n) });
  expect(sent(flag.request, { value: true })).toEqual({ value: true });
  expect(sent(time.request, { seconds: 1n, nanos: 2 })).toEqual({ seconds: 1n, nanos: 2 });
  expect(sent(json.request, { fields: { a: [1, { b: null }] } })).toEqual({ fields: { a: [1, { b: null }] } });
  expect(sent(json.response, { kind: { $case: "stringValue", value: "s" } })).toEqual({
    kind: { $case: "stringValue", value: "s" },
  });
  expect(sent(items.request, { values: [1, "two"] })).toEqual({ values: [1, "two"] });
});

test("policies are those of the contract", () => {
  const { write, readSlowly, readOnce, readFast, follow } = policy.Shared.methods;
  expect(write.policy).toEqual({
    ...{ timeoutMs: 2000, maxRequestBytes: 1024, maxResponseBytes: 2048 },
    waitForReady: true,
  });
  expect(readSlowly.policy).toMatchObject({
    timeoutMs: 0,
    waitForReady: false,
    maxRequestBytes: 10,
    maxResponseBytes: 2048,
  });
  expect(readSlowly.policy?.retry).toEqual({
    maxAttempts: 5,
    initialBackoffMs: 20,
    retryableCodes: ["RESOURCE_EXHAUSTED"],
  });
  expect(readOnce.policy?.retry).toBe(false);
  expect(readFast.policy?.hedge).toEqual({ delayMs: 15 });
  expect(readFast.policy?.retry).toBeUndefined();
  expect(follow.policy?.timeoutMs).toBeUndefined();
  expect(Object.entries(policy.Hedged.methods).map(([name, method]) => [name, method.policy])).toEqual([
    ["read", { hedge: { maxAttempts: 3, delayMs: 30 } }],
    ["readAll", { hedge: { maxAttempts: 3, delayMs: 0 } }],
    ["readOnce", { hedge: false }],
    ["readAgain", { retry: { maxAttempts: 2 } }],
    ["write", undefined],
    ["writeAll", undefined],
  ]);
  expect(policy.Single.methods.free.policy).toBeUndefined();
});

test.each(["Shared", "Single", "Hedged"])(
  "grpc-js takes the service config of %s, and refuses a broken one",
  (name) => {
    const config = readFileSync(new URL(`./golden/service_config/policy.v1.${name}.json`, import.meta.url), "utf8");
    const take = (text: string) => {
      const options: ChannelOptions = { "grpc.service_config": text };
      new Client("127.0.0.1:1", credentials.createInsecure(), options).close();
    };
    expect(() => take(config)).not.toThrow();
    expect(() => take(config.replace(/"maxAttempts": 3/, '"maxAttempts": 1'))).toThrow();
  },
);

import { expect, test } from "vitest";
import { Metadata } from "../../src/core/metadata.ts";

test("keys are compared in lower case, and several values of one stay in order", () => {
  const metadata = Metadata.from({ Tenant: "acme", x: ["1", "2"] });
  expect(metadata.get("TENANT")).toBe("acme");
  expect(metadata.getAll("x")).toEqual(["1", "2"]);
  expect(metadata.size).toBe(3);
  expect([...metadata]).toEqual([
    ["tenant", "acme"],
    ["x", "1"],
    ["x", "2"],
  ]);
});

test("it can be made from pairs, and from another", () => {
  const metadata = Metadata.from([["a", "1"] as const, ["a", "2"] as const]);
  expect(metadata.toJSON()).toEqual({ a: ["1", "2"] });
  expect(Metadata.from(metadata)).toBe(metadata);
  expect(Metadata.from(undefined)).toBe(Metadata.EMPTY);
  expect(Metadata.from({})).toBe(Metadata.EMPTY);
});

test("what changes it makes another", () => {
  const metadata = Metadata.from({ a: "1", b: "2" });
  expect(metadata.with("a", "3", "4").toJSON()).toEqual({ b: ["2"], a: ["3", "4"] });
  expect(metadata.append({ a: "5" }).toJSON()).toEqual({ a: ["1", "5"], b: ["2"] });
  expect(metadata.without("A").toJSON()).toEqual({ b: ["2"] });
  expect(metadata.without("c")).toBe(metadata);
  expect(metadata.toJSON()).toEqual({ a: ["1"], b: ["2"] });
});

test("bytes stand under keys that end in -bin, and text under all others", () => {
  const metadata = Metadata.from({ "a-bin": Uint8Array.of(1), b: "text" });
  expect(metadata.getBytes("a-bin")).toEqual(Uint8Array.of(1));
  expect(metadata.get("a-bin")).toBeUndefined();
  expect(metadata.getBytes("b")).toBeUndefined();
  expect(() => Metadata.from({ "a-bin": "text" })).toThrow(
    'metadata "a-bin" ends in -bin and is a string: give a Uint8Array',
  );
  expect(() => Metadata.from({ b: Uint8Array.of(1) })).toThrow("a key that ends in -bin");
});

test("what gRPC cannot carry is refused by name", () => {
  for (const key of ["", "a b", "ä", ":path", "a\n"])
    expect(() => Metadata.from({ [key]: "1" }), key).toThrow(TypeError);
  for (const value of ["ä", "a\nb", "\u0000"]) expect(() => Metadata.from({ key: value })).toThrow('metadata "key"');
  expect(() => Metadata.from({ key: 5 as never })).toThrow('metadata "key" is a number');
});

test("keys that belong to gRPC or to HTTP are refused: they would break the call, or its connection", () => {
  expect(() => Metadata.from({ "grpc-timeout": "1S" })).toThrow("gRPC's own");
  for (const key of ["Connection", "transfer-encoding", "te", "content-type", "content-length", "upgrade"]) {
    expect(() => Metadata.from({ [key]: "1" })).toThrow(`metadata key "${key}" is HTTP's own`);
  }
});

test("what a transport decodes later is decoded once, when it is looked at", () => {
  let times = 0;
  const metadata = Metadata.decodedBy(() => {
    times++;
    return ["a-bin", Uint8Array.of(1)];
  });
  expect(times).toBe(0);
  expect(metadata.size).toBe(1);
  expect(metadata.getBytes("a-bin")).toEqual(Uint8Array.of(1));
  expect(metadata.append({ b: "2" }).toJSON()).toEqual({ "a-bin": [Uint8Array.of(1)], b: ["2"] });
  expect(times).toBe(1);
});

test("keys that every object has something of its own under are as good as others", () => {
  const metadata = Metadata.fromFlat(["constructor", "1", "__proto__", "2", "__proto__", "3"]);
  expect(JSON.stringify(metadata)).toBe('{"constructor":["1"],"__proto__":["2","3"]}');
});

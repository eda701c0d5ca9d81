import { describe, expect, test } from "vitest";
import { type Dialect, goNaming, goZero, kitex, kratos } from "../../src/registry/etcd/index.ts";

const leaseId = "7587870224567890123";
const service = "greeter.v1.Greeter";
const plain = { address: "10.0.0.5:50051" };
const rich = { address: "[2001:db8::1]:50051", metadata: { version: "1.2", zone: "a", weight: "3", tls: "true" } };

/** What each dialect has written before, byte by byte: other programs read it. */
const golden: [Dialect, string, string, string, string][] = [
  [
    goNaming(),
    "greeter.v1.Greeter/10.0.0.5:50051",
    '{"Op":0,"Addr":"10.0.0.5:50051","Metadata":null}',
    "greeter.v1.Greeter/[2001:db8::1]:50051",
    '{"Op":0,"Addr":"[2001:db8::1]:50051","Metadata":{"version":"1.2","zone":"a","weight":"3","tls":"true"}}',
  ],
  [
    goZero(),
    `greeter.v1.Greeter.rpc/${leaseId}`,
    "10.0.0.5:50051",
    `greeter.v1.Greeter.rpc/${leaseId}`,
    "[2001:db8::1]:50051",
  ],
  [
    kratos(),
    "/microservices/greeter.v1.Greeter/10.0.0.5:50051",
    '{"id":"10.0.0.5:50051","name":"greeter.v1.Greeter","version":"","metadata":{},"endpoints":["grpc://10.0.0.5:50051"]}',
    "/microservices/greeter.v1.Greeter/[2001:db8::1]:50051",
    '{"id":"[2001:db8::1]:50051","name":"greeter.v1.Greeter","version":"1.2","metadata":{"zone":"a","weight":"3"},"endpoints":["grpcs://[2001:db8::1]:50051"]}',
  ],
  [
    kitex(),
    "kitex/registry-etcd/greeter.v1.Greeter/10.0.0.5:50051",
    '{"network":"tcp","address":"10.0.0.5:50051","weight":10,"tags":{}}',
    "kitex/registry-etcd/greeter.v1.Greeter/[2001:db8::1]:50051",
    '{"network":"tcp","address":"[2001:db8::1]:50051","weight":3,"tags":{"version":"1.2","zone":"a","tls":"true"}}',
  ],
];

describe.each(golden)("%o", (dialect, plainKey, plainValue, richKey, richValue) => {
  test("writes these keys and values", () => {
    expect(dialect.write(service, plain, leaseId)).toEqual({ key: plainKey, value: plainValue });
    expect(dialect.write(service, rich, leaseId)).toEqual({ key: richKey, value: richValue });
  });

  test("reads back what it writes, under the prefix and the service it wrote it for", () => {
    for (const endpoint of [plain, rich]) {
      const entry = dialect.write(service, endpoint, leaseId);
      expect(entry.key.startsWith(dialect.prefix(service))).toBe(true);
      expect(dialect.prefix(service).startsWith(dialect.root)).toBe(true);
      expect(dialect.read(entry).address).toBe(endpoint.address);
      expect(dialect.serviceOf(entry)).toBe(service);
    }
    const { metadata } = dialect.read(dialect.write(service, rich, leaseId));
    expect(metadata).toEqual(dialect.name === "go-zero" ? undefined : rich.metadata);
  });

  test.each([
    "",
    "nonsense",
    "null",
    "[]",
    "{}",
    '"10.0.0.1:1"',
    '{"Addr":1,"address":1,"endpoints":1}',
    '{"Addr":"10.0.0.1","address":"10.0.0.1","endpoints":["grpc://10.0.0.1"]}',
    '{"Addr":"a:0","address":"a:0","endpoints":["grpc://a:0"]}',
    '{"Addr":"a:70000","address":"a:70000","endpoints":["grpc://a:70000"]}',
    '{"Addr":"a b:1","address":"a b:1","endpoints":["http://a:1", null, 7]}',
  ])("refuses %j, saying why", (value) => {
    expect(() => dialect.read({ key: plainKey, value })).toThrow(/its (value|port)|is no address|it has no endpoint/);
  });
});

test("metadata of other writers becomes text", () => {
  const value = '{"Addr":"a:1","Metadata":{"n":1,"t":true,"o":{"a":[1]},"s":"x","z":null,"__proto__":"p"}}';
  const { metadata = {} } = goNaming().read({ key: "k/x", value });
  expect(Object.entries(metadata)).toEqual([
    ["n", "1"],
    ["t", "true"],
    ["o", '{"a":[1]}'],
    ["s", "x"],
    ["__proto__", "p"],
  ]);
  for (const odd of ["null", "7", '"text"', "[1]", "{}", '{"a":null}']) {
    expect(goNaming().read({ key: "k/x", value: `{"Addr":"a:1","Metadata":${odd}}` }).metadata).toBeUndefined();
  }
});

test("of a kratos instance the gRPC endpoint counts, and older ones mark TLS in its query", () => {
  const read = (...endpoints: readonly string[]) => kratos().read({ key: "k", value: JSON.stringify({ endpoints }) });
  expect(read("http://a:80", "grpc://a:1")).toEqual({ address: "a:1" });
  expect(read("grpc://a:1?isSecure=false")).toEqual({ address: "a:1" });
  expect(read("grpc://a:1?isSecure=true")).toEqual({ address: "a:1", metadata: { tls: "true" } });
  expect(() => read("http://a:80")).toThrow("it has no endpoint that starts with grpc://");
});

test("a weight that kitex cannot carry becomes its default, and one it does not give is left out", () => {
  const weightOf = (weight: string) => {
    const { value } = kitex().write(service, { address: "a:1", metadata: { weight } }, leaseId);
    return (JSON.parse(value) as { weight: number }).weight;
  };
  expect(["7", "1.6", "0", "-1", "heavy", ""].map(weightOf)).toEqual([7, 2, 10, 10, 10, 10]);
  expect(kitex().read({ key: "k", value: '{"address":"a:1","weight":0,"tags":null}' })).toEqual({ address: "a:1" });
});

test("names and prefixes of other fleets can be given", () => {
  const short = (name: string) => name.split(".").at(-1) ?? name;
  expect(goZero({ keyOf: short }).prefix(service)).toBe("Greeter/");
  expect(kratos({ namespace: "/fleet", nameOf: short }).write(service, plain, leaseId)).toMatchObject({
    key: "/fleet/Greeter/10.0.0.5:50051",
    value: expect.stringContaining('"name":"Greeter"'),
  });
  expect(kitex({ prefix: "fleet", nameOf: short }).prefix(service)).toBe("fleet/Greeter/");
});

test("metadata can stand where old Go clients do not trip over it", () => {
  const dialect = goNaming({ metadataIn: "Attributes" });
  const entry = dialect.write(service, { address: "a:1", metadata: { zone: "b" } }, leaseId);
  expect(entry.value).toBe('{"Op":0,"Addr":"a:1","Metadata":null,"Attributes":{"zone":"b"}}');
  for (const reader of [dialect, goNaming()]) expect(reader.read(entry).metadata).toEqual({ zone: "b" });
});

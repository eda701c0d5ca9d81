import { inspect } from "node:util";
import pino from "pino";
import { Code, detail, Metadata, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { HelloReply } from "../../gen/greeter/v1/greeter.ts";

const error = new RpcError(Code.UNAVAILABLE, "no way", {
  cause: new Error("beneath"),
  unprocessed: true,
  peer: "10.0.0.5:50051",
  method: "/greeter.v1.Greeter/SayHello",
  metadata: Metadata.from({ authorization: "Bearer s3cret", "x-bin": new Uint8Array(5_000) }),
  header: Metadata.from({ "set-cookie": "s3cret" }),
  details: [detail(HelloReply, { message: "s3cret" })],
});

const logged = (): string => {
  let line = "";
  pino({}, { write: (text) => (line += text) }).error({ err: error }, "failed");
  return line;
};

test.each([
  ["inspected", () => inspect(error, { depth: null })],
  ["in JSON", () => JSON.stringify(error)],
  ["logged by pino", logged],
])("%s, an error says what, where and why, and nothing that is long or secret", (_how, print) => {
  const text = print();
  for (const told of ["UNAVAILABLE", "no way", "10.0.0.5:50051", "/greeter.v1.Greeter/SayHello", "beneath"]) {
    expect(text).toContain(told);
  }
  expect(text).not.toMatch(/s3cret|Uint8Array|authorization|local/);
  expect(text.length).toBeLessThan(6_000);
});

test("inspected, it says each thing once", () => {
  expect(inspect(error).replaceAll(/\n +(at|\.\.\.) .*/g, "")).toBe(
    [
      "RpcError UNAVAILABLE: no way",
      "  code: 14,",
      "  unprocessed: true,",
      "  method: '/greeter.v1.Greeter/SayHello',",
      "  peer: '10.0.0.5:50051',",
      "  [cause]: Error: beneath",
      "}",
    ].join("\n"),
  );
});

test("in JSON it is as short, the types of its details with it", () => {
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: "RpcError",
    codeName: "UNAVAILABLE",
    message: "no way",
    code: 14,
    unprocessed: true,
    method: "/greeter.v1.Greeter/SayHello",
    peer: "10.0.0.5:50051",
    details: ["greeter.v1.HelloReply"],
    cause: "Error: beneath",
  });
  expect(`${error}`).toBe("RpcError UNAVAILABLE: no way");
});

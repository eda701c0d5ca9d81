import { expect, test } from "vitest";
import { formatMethods, METHODS, methodsOf } from "../../src/balance/methods.ts";

const written = formatMethods([
  ["greeter.v1.Greeter", ["SayHello", "SayHelloAgain"]],
  ["admin.v1.Admin", ["Stop"]],
]);
const endpoint = { address: "10.0.0.1:50051", metadata: { [METHODS]: written } };

test("the methods of services are written as one text and read back", () => {
  expect(written).toBe("greeter.v1.Greeter/SayHello,SayHelloAgain admin.v1.Admin/Stop");
  expect(methodsOf(endpoint, "greeter.v1.Greeter")).toEqual(new Set(["SayHello", "SayHelloAgain"]));
  expect(methodsOf(endpoint, "admin.v1.Admin")).toEqual(new Set(["Stop"]));
});

test("a server that does not say what it serves, or not of this service, is not known to lack anything", () => {
  expect(methodsOf({ address: "10.0.0.1:50051" }, "greeter.v1.Greeter")).toBeUndefined();
  expect(methodsOf(endpoint, "greeter.v1.Greet")).toBeUndefined();
  expect(methodsOf({ address: "a:1", metadata: { [METHODS]: "nonsense" } }, "a.B")).toBeUndefined();
});

import { expect, test } from "vitest";
import { createMethodsOf, formatMethods, METHODS } from "../../src/balance/methods.ts";

const written = [
  formatMethods("greeter.v1.Greeter", ["SayHello", "SayHelloAgain"]),
  formatMethods("admin.v1.Admin", ["Stop"]),
].join(" ");
const endpoint = { address: "10.0.0.1:50051", metadata: { [METHODS]: written } };

test("the methods of services are written as one text and read back", () => {
  expect(written).toBe("greeter.v1.Greeter/SayHello,SayHelloAgain admin.v1.Admin/Stop");
  expect(createMethodsOf("greeter.v1.Greeter")(endpoint)).toEqual(new Set(["SayHello", "SayHelloAgain"]));
  expect(createMethodsOf("admin.v1.Admin")(endpoint)).toEqual(new Set(["Stop"]));
});

test("a server that does not say what it serves, or not of this service, is not known to lack anything", () => {
  expect(createMethodsOf("greeter.v1.Greeter")({ address: "10.0.0.1:50051" })).toBeUndefined();
  expect(createMethodsOf("greeter.v1.Greet")(endpoint)).toBeUndefined();
  expect(createMethodsOf("a.B")({ address: "a:1", metadata: { [METHODS]: "nonsense" } })).toBeUndefined();
});

test("servers that serve the same have the same set, whatever the order, and the text is read once", () => {
  const methodsOf = createMethodsOf("a.B");
  const first = methodsOf({ address: "a:1", metadata: { [METHODS]: "a.B/X,Y" } });
  expect(methodsOf({ address: "a:2", metadata: { [METHODS]: "a.B/X,Y" } })).toBe(first);
  expect(methodsOf({ address: "a:3", metadata: { [METHODS]: "c.D/Z a.B/Y,X" } })).toBe(first);
  expect(methodsOf({ address: "a:4", metadata: { [METHODS]: "a.B/X" } })).toEqual(new Set(["X"]));
});

test("a registry that says something else each time is forgotten in part", () => {
  const methodsOf = createMethodsOf("a.B");
  for (let i = 0; i < 1_000; i++) {
    expect(methodsOf({ address: "a:1", metadata: { [METHODS]: `a.B/X${i}` } })).toEqual(new Set([`X${i}`]));
  }
});

test("a service of more methods than a registration bears says nothing, and is taken to have all", () => {
  const many = Array.from({ length: 1_000 }, (_, i) => `AMethodOfForty${i}`);
  const of = (methods: readonly string[]) =>
    createMethodsOf("a.B")({ address: "a:1", metadata: { [METHODS]: formatMethods("a.B", methods) } });
  expect(of(many)?.size).toBe(1_000);
  expect(formatMethods("a.B", [...many, ...many])).toBe("");
  expect(of([...many, ...many])).toBeUndefined();
});

test("more methods than a service has are not read: it is taken to have all", () => {
  const text = `a.B/${Array.from({ length: 1_001 }, (_, i) => i).join()}`;
  expect(createMethodsOf("a.B")({ address: "a:1", metadata: { [METHODS]: text } })).toBeUndefined();
});

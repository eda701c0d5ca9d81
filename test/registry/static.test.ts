import { expect, test } from "vitest";
import { staticRegistry } from "../../src/registry/static.ts";
import { watchService } from "../support/snapshots.ts";

test("every service has the same servers, known at once", () => {
  const registry = staticRegistry(["10.0.0.1:1000", { address: "[::1]:1000", metadata: { zone: "a" } }]);
  for (const service of ["a.B", "c.D"]) {
    expect(watchService(registry, service).seen).toEqual([
      {
        state: "current",
        endpoints: [{ address: "10.0.0.1:1000" }, { address: "[::1]:1000", metadata: { zone: "a" } }],
      },
    ]);
  }
});

test("is closed where `await using` ends, as every registry is", async () => {
  await using registry = staticRegistry(["10.0.0.1:1000"]);
  await registry.close();
});

test("an address that stands twice is one server, and a socket's path is one", () => {
  const registry = staticRegistry(["10.0.0.1:1000", "10.0.0.1:1000", "unix:/run/greeter.sock"]);
  expect(watchService(registry, "a.B").addresses).toEqual(["10.0.0.1:1000", "unix:/run/greeter.sock"]);
});

test("an empty list, and an address that is none, are refused by name", () => {
  expect(() => staticRegistry([])).toThrow("at least one endpoint");
  expect(() => staticRegistry(["10.0.0.1"])).toThrow('"10.0.0.1" is no address');
  expect(() => staticRegistry(["10.0.0.1:0"])).toThrow('"10.0.0.1:0" is no address to dial');
  expect(() => staticRegistry(["::1:1000"])).toThrow('"::1:1000" is no address');
  expect(() => staticRegistry(["unix:"])).toThrow('"unix:" is no address');
});

test("a server that registers changes nothing, and names no service", async () => {
  const registry = staticRegistry(["10.0.0.1:1000"]);
  const registration = registry.register({ services: ["a.B"], endpoint: { address: "10.0.0.2:1000" } });
  await registration.registered;
  expect(watchService(registry, "a.B").addresses).toEqual(["10.0.0.1:1000"]);
  expect(await registry.services()).toEqual([]);
  await registration.close();
  await registry.close();
});

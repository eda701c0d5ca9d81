import { join } from "node:path";
import { expect, test } from "vitest";
import { etcd } from "../../src/registry/etcd/index.ts";
import { runProgram } from "../support/program.ts";

test("a client for etcd that cannot be loaded is told of at once, and not tried again", async () => {
  const { code, stdout, stderr } = await runProgram(join(import.meta.dirname, "without-etcd3.ts"));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { registering, heard, services, told } = JSON.parse(stdout);
  const why =
    "the client etcd3 for etcd cannot be loaded (Cannot find package 'etcd3'): " +
    'install etcd3 beside the program, outside of a bundle, or leave out client: "etcd3"';
  expect(registering).toBe(why);
  expect(heard).toEqual({ endpoints: [], state: "unknown", reason: why });
  expect(services).toContain(why);
  expect(told).toContain(`error: cannot register, and does not try on: ${why}`);
  expect(told).toContain(`warn: the registry is away; what it said last stands: ${why}`);
  expect(told).toHaveLength(2);
});

test("what etcd3 cannot keep to of TLS is refused by its name", () => {
  const tls = { serverName: "localhost", identityOf: () => "etcd-1" };
  expect(() => etcd("https://127.0.0.1:1", { client: "etcd3", tls })).toThrow(
    'the client etcd3 for etcd cannot ask for tls.identityOf: use the client "native", or leave tls.identityOf out',
  );
});

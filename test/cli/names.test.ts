import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Registry, registryFromUri, type Server } from "trunkline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { defineService, unary } from "../../src/core/method.ts";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { greetings } from "../support/greeter.ts";
import { opaque } from "./kitchen.ts";
import { json, trunkline } from "./trunkline.ts";

// Names as users write them, where a contract has some that differ by case only.

const contract = `syntax = "proto3"; package names.v1; message M { string said = 1; }
  service Case { rpc Case(M) returns (M); rpc case(M) returns (M); rpc SayIt(M) returns (M); rpc sayit(M) returns (M); }
  service CASE { rpc Only(M) returns (M); } service Other { rpc say_more(M) returns (M); }`;

const M = opaque("names.v1.M");
/** Says its own name: field 1, a string. */
const saying = (name: string) => () => ({ bytes: Uint8Array.from([10, name.length, ...Buffer.from(name)]) });
const methodsOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, unary(name, M, M)]));

let etcd: DevEtcd;
let registry: Registry;
let server: Server;
let address: string;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "trunkline-names-"));
  writeFileSync(join(folder, "names.proto"), contract);
  etcd = createDevEtcd();
  await etcd.listen();
  registry = await registryFromUri(etcd.uri ?? "");
  server = createServer({ registry }).add(Greeter, greetings);
  for (const [service, names] of [
    ["Case", ["Case", "case", "SayIt", "sayit"]],
    ["CASE", ["Only"]],
    ["Other", ["say_more"]],
  ] as const) {
    const handlers = Object.fromEntries(names.map((name) => [name, saying(`${service}.${name}`)]));
    server.add(defineService(`names.v1.${service}`, methodsOf(names)), handlers as never);
  }
  address = await server.listen("127.0.0.1:0");
  await server.registered;
});
afterAll(async () => {
  await server.close();
  await registry.close();
  await etcd.close();
  rmSync(folder, { recursive: true });
});

const call = (method: string) =>
  trunkline(["call", method, "-a", address, "--proto", join(folder, "names.proto"), "-d", "{}"]);

test.each([
  ["names.v1.Case/Case", "Case.Case"],
  ["names.v1.Case/case", "Case.case"],
  ["names.v1.Case/SayIt", "Case.SayIt"],
  ["names.v1.Case/sayit", "Case.sayit"],
  ["names.v1.CASE/only", "CASE.Only"],
  ["names.v1.OTHER/SAY_MORE", "Other.say_more"],
  ["Names.V1.other/sayMore", "Other.say_more"],
])("%s is %s", async (method, said) => {
  const { stdout, stderr } = await call(method);
  expect(stderr).toBe("");
  expect(json(stdout)).toEqual({ said });
});

test.each([
  ["names.v1.Case/CASE", '"CASE" may be any of Case, case: write it exactly so\n'],
  ["names.v1.Case/sayIt", '"sayIt" may be any of SayIt, sayit: write it exactly so\n'],
  ["names.v1.case/Only", '"names.v1.case" may be any of names.v1.Case, names.v1.CASE: write it exactly so\n'],
])("%s may be more than one", async (method, message) => {
  expect(await call(method)).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
});

test("a service in another case is found by reflection and in the registry", async () => {
  for (const from of [
    ["-a", address],
    ["--registry", etcd.uri ?? ""],
  ]) {
    const { stdout, stderr } = await trunkline([
      "call",
      "greeter.V1.GREETER/sayhello",
      ...from,
      "-d",
      '{"name": "you"}',
    ]);
    expect(stderr).toBe("");
    expect(json(stdout)).toEqual({ message: "Hello you" });
  }
});

test("ls takes a service in another case, and names those that may be meant", async () => {
  const one = await trunkline(["ls", "greeter.v1.greeter"], { registry: etcd.uri });
  expect(one).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^greeter\.v1\.Greeter\n {2}127/) });
  const some = await trunkline(["ls", "names.v1.case"], { registry: etcd.uri });
  expect(some).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(
      /"names\.v1\.case" may be any of names\.v1\.C\w+, names\.v1\.C\w+: write it exactly so/,
    ),
  });
});

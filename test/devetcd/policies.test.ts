import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { etcdPolicies } from "../../src/registry/etcd/index.ts";
import { etcdPoliciesContract } from "../contract/etcd-policies.ts";
import { policiesContract } from "../contract/policies.ts";
import { runProgram } from "../support/program.ts";

let server: DevEtcd;
beforeAll(async () => {
  server = createDevEtcd();
  await server.listen();
});
afterAll(() => server.close());

for (const client of ["native", "etcd3"] as const) {
  policiesContract(`embedded, asked by ${client}`, () => etcdPolicies(server.uri ?? "", { client }));
  etcdPoliciesContract(`embedded, asked by ${client}`, () => server.uri ?? "", { client });
}

test.each(["native", "etcd3"])("by %s policies that nobody closes keep no process alive", async (client) => {
  const ended = await runProgram(join(import.meta.dirname, "policies-idle.ts"), [server.uri ?? "", client]);
  expect(ended).toMatchObject({ code: 0, stderr: "", stdout: "Hello you\n" });
});

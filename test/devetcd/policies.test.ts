import { afterAll, beforeAll } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { etcdPolicies } from "../../src/registry/etcd/index.ts";
import { etcdPoliciesContract } from "../contract/etcd-policies.ts";
import { policiesContract } from "../contract/policies.ts";

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

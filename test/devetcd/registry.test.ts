import { afterAll, beforeAll } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { etcd } from "../../src/registry/etcd/index.ts";
import { etcdRegistryContract } from "../contract/etcd-registry.ts";
import { registryContract } from "../contract/registry.ts";

let server: DevEtcd;
beforeAll(async () => {
  server = createDevEtcd();
  await server.listen();
});
afterAll(() => server.close());

for (const client of ["native", "etcd3"] as const) {
  registryContract(`embedded, asked by ${client}`, () => etcd(server.uri ?? "", { client }));
  etcdRegistryContract(`embedded, asked by ${client}`, () => `http://${server.address}`, { client });
}

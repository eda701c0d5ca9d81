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

registryContract("embedded", () => etcd(server.uri ?? ""));
etcdRegistryContract("embedded", () => `http://${server.address}`);

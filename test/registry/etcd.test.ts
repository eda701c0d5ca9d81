import { afterAll, beforeAll, describe } from "vitest";
import { etcd } from "../../src/registry/etcd/index.ts";
import { etcdRegistryContract } from "../contract/etcd-registry.ts";
import { registryContract } from "../contract/registry.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";

describe.runIf(hasEtcd)("with a real etcd", () => {
  let server: TestEtcd;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.stop());

  for (const client of ["native", "etcd3"] as const) {
    registryContract(`etcd, asked by ${client}`, () => etcd(server.urls, { client }));
    etcdRegistryContract(`etcd, asked by ${client}`, () => server.urls[0] ?? "", { client });
  }
});

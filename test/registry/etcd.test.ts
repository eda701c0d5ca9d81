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

  registryContract("etcd", () => etcd(server.urls));
  etcdRegistryContract("etcd", () => server.urls[0] ?? "");
});

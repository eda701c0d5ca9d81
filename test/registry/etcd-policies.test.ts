import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import { etcdPolicies } from "../../src/registry/etcd/index.ts";
import { etcdPoliciesContract } from "../contract/etcd-policies.ts";
import { freshService, policiesContract } from "../contract/policies.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { createLog } from "../support/log.ts";
import { watchPolicies } from "../support/policies.ts";

describe.runIf(hasEtcd)("with a real etcd", () => {
  let server: TestEtcd;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.stop());

  for (const client of ["native", "etcd3"] as const) {
    policiesContract(`etcd, asked by ${client}`, () => etcdPolicies(server.urls, { client }));
    etcdPoliciesContract(`etcd, asked by ${client}`, () => server.urls[0] ?? "", { client });
  }

  test.each(["native", "etcd3"] as const)(
    "by %s what is known holds while etcd is away, and changes are heard again after",
    async (client) => {
      const log = createLog();
      const policies = etcdPolicies(server.urls, { client, logger: log, callTimeoutMs: 500 });
      const service = freshService();
      const heard = watchPolicies(policies);
      const before = await policies.set(service, { policy: { timeoutMs: 1 }, by: "alice" });
      await heard.untilRevision(before);
      await server.nodes[0]?.kill();
      const away = await heard.until(({ state }) => state === "stale");
      expect(away.policies.get(service)).toEqual(before);
      expect(away.reason).toBeDefined();
      await expect(policies.set(service, { policy: {}, by: "alice" })).rejects.toMatchObject({
        code: Code.UNAVAILABLE,
        message: expect.stringContaining("etcd cannot be asked for policies: "),
      });
      await server.nodes[0]?.start();
      const back = await heard.until(({ state }) => state === "current");
      expect(back.policies.get(service)).toEqual(before);
      const after = await policies.set(service, { policy: { timeoutMs: 2 }, by: "alice", expected: before.revision });
      expect(await heard.untilRevision(after)).toEqual(after);
      const warning = "policies cannot be asked for: those that are known stand";
      expect(log.of("warn").filter(({ message }) => message === warning).length).toBe(1);
      await policies.close();
    },
  );

  test("a list that says nothing new is the same object, so that nobody looks at it again", async () => {
    const policies = etcdPolicies(server.urls, { relistMs: 50 });
    const heard = watchPolicies(policies);
    await heard.untilRevision(await policies.set(freshService(), { policy: {}, by: "alice" }));
    const { length } = heard.seen;
    await heard.until(() => heard.seen.length >= length + 3);
    expect(new Set(heard.seen.slice(length).map((snapshot) => snapshot.policies)).size).toBe(1);
    await policies.close();
  });

  test("what is known holds when etcd comes back without its data, until another is set", async () => {
    const log = createLog();
    const policies = etcdPolicies(server.urls, { logger: log });
    const service = freshService();
    const heard = watchPolicies(policies);
    const before = await policies.set(service, { policy: { timeoutMs: 1 }, by: "alice" });
    await heard.untilRevision(before);
    await server.nodes[0]?.kill();
    await heard.until(({ state }) => state === "stale");
    await server.nodes[0]?.start({ wipe: true });
    const back = await heard.until(({ state }) => state === "current");
    expect(back.policies.get(service)).toEqual(before);
    await log.until("policies from before etcd lost its data go on: set them again");
    await policies.set(service, { policy: { timeoutMs: 2 }, by: "alice" });
    await heard.until((snapshot) => snapshot.policies.get(service)?.policy.timeoutMs === 2);
    await policies.close();
  });
});

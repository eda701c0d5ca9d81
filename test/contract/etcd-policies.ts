import { afterEach, describe, expect, test } from "vitest";
import { createClient, type EtcdClient } from "../../src/registry/etcd/client.ts";
import { createWire } from "../../src/registry/etcd/create-wire.ts";
import { etcdPolicies } from "../../src/registry/etcd/index.ts";
import { type EtcdOptions, etcdSettings } from "../../src/registry/etcd/settings.ts";
import { createLog } from "../support/log.ts";
import { watchPolicies } from "../support/policies.ts";
import { freshService } from "./policies.ts";

/** What holds of policies in an etcd, where others can write as well. `url` gives where it is. */
export function etcdPoliciesContract(name: string, url: () => string, options: Pick<EtcdOptions, "client"> = {}): void {
  describe(`policies that stand in etcd: ${name}`, () => {
    const left: (() => unknown)[] = [];
    afterEach(async () => {
      for (const work of left.splice(0)) await work();
    });

    const store = (namespace = "") => {
      const logger = createLog();
      const made = etcdPolicies(url(), { ...options, namespace, logger });
      left.push(() => made.close());
      return { policies: made, log: logger };
    };

    /** Writes as a person does by etcdctl. */
    async function byHand(service: string, value: string, namespace = ""): Promise<void> {
      const client: EtcdClient = createClient(createWire(etcdSettings(url(), options)), namespace);
      left.push(() => client.close());
      const key = `trunkline/policy/${service}`;
      const { entries } = await client.read([{ key }]);
      expect(await client.put([{ key, value, expected: entries[0]?.modRevision ?? "0" }], "0")).toBe(true);
    }

    test("what is written by hand holds, and says so", async () => {
      const { policies, log } = store();
      const service = freshService();
      const heard = watchPolicies(policies);
      await heard.until(() => true);
      await byHand(service, '{"timeoutMs": 250, "note": "at three in the morning"}');
      const { policies: all } = await heard.until((snapshot) => snapshot.policies.has(service), 1_000);
      const expected = { policy: { timeoutMs: 250 }, by: "", at: "", note: "at three in the morning" };
      expect(all.get(service)).toMatchObject(expected);
      expect(await policies.get(service)).toMatchObject(expected);
      expect(log.of("info").at(-1)?.fields).toMatchObject({ service, by: "somebody, by hand" });
    });

    test("what is written by hand is remembered when the next is set, with the revision that it had", async () => {
      const { policies } = store();
      const service = freshService();
      const first = await policies.set(service, { policy: { timeoutMs: 1 }, by: "alice" });
      await byHand(service, '{"timeoutMs": 2}');
      const hand = await policies.get(service);
      const last = await policies.set(service, { policy: { timeoutMs: 3 }, by: "bob" });
      expect(await policies.history(service)).toEqual([last, hand, first]);
    });

    test("garbage by hand is named by one warning, with its key and field, and what held before stands", async () => {
      const { policies, log } = store();
      const service = freshService();
      const heard = watchPolicies(policies);
      const good = await policies.set(service, { policy: { timeoutMs: 1 }, by: "alice" });
      await heard.untilRevision(good);
      await byHand(service, '{"timeoutMs": 2, "retry": {"maxAttempts": "three"}}');
      const other = await policies.set(freshService(), { policy: {}, by: "alice" });
      await heard.untilRevision(other);
      expect(heard.seen.at(-1)?.policies.get(service)).toEqual(good);
      const warnings = log.of("warn").filter(({ fields }) => fields.key === `trunkline/policy/${service}`);
      expect(warnings.map(({ message, fields }) => [message, fields.reason])).toEqual([
        [
          "a policy that is not valid is left out: what held before it stands",
          'retry.maxAttempts is "three": give a number that is at least 1',
        ],
      ]);
      await expect(policies.get(service)).rejects.toThrow(`trunkline/policy/${service} in etcd: retry.maxAttempts is`);
      const mended = await policies.set(service, { policy: { timeoutMs: 3 }, by: "bob" });
      expect(await heard.untilRevision(mended)).toEqual(mended);
    });

    test.each([
      ["{timeoutMs: 5}", "it is no JSON"],
      ["[]", "it is a list: give an object"],
      ['{"by": 5}', "by is a number: give text"],
      [JSON.stringify({ note: "x".repeat(70_000) }), "its value has 70011 bytes; 65536 are read"],
    ])("%.20s by hand is left out, and named to who was there before and to who comes later", async (value, reason) => {
      const service = freshService();
      await byHand(service, value);
      const { policies, log } = store();
      const { policies: all } = await watchPolicies(policies).until(() => true);
      expect(all.has(service)).toBe(false);
      expect(log.of("warn").map(({ fields }) => String(fields.reason))).toContainEqual(expect.stringContaining(reason));
    });

    test("policies below one namespace are not those of another", async () => {
      const [one, other] = [store("a/"), store("b/")];
      const service = freshService();
      const set = await one.policies.set(service, { policy: { timeoutMs: 1 }, by: "alice" });
      expect(await other.policies.get(service)).toBeUndefined();
      await byHand(service, '{"timeoutMs":2}', "b/");
      expect(await one.policies.get(service)).toEqual(set);
    });

    test("a policy that does not fit into a key is refused, and what is closed is used no more", async () => {
      const { policies } = store();
      const huge = { policy: {}, by: "alice", note: "x".repeat(70_000) };
      await expect(policies.set(freshService(), huge)).rejects.toThrow(/^the policy has 70\d+ bytes; 65536 are read/);
      await policies.close();
      await expect(policies.get("a.v1.A")).rejects.toThrow("these policies are closed");
      expect(() => policies.watch(() => {})).toThrow("these policies are closed");
    });
  });
}

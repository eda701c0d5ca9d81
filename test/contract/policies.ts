import { afterEach, describe, expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import type { PolicyStore } from "../../src/core/policy-source.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { watchPolicies } from "../support/policies.ts";

let names = 0;
/** A service of its own for each test, so that they can share one store. */
export const freshService = (): string => `policies.v1.Service${process.pid}x${++names}`;

const by = "alice@ops";

/**
 * What every store of policies does. `connect` gives a new view of one and the same store each time it is called: another
 * client of one etcd, or the one object that lives in memory.
 */
export function policiesContract(name: string, connect: () => PolicyStore): void {
  describe(`the contract of policies: ${name}`, () => {
    const open: PolicyStore[] = [];
    const store = () => {
      const made = connect();
      open.push(made);
      return made;
    };
    afterEach(async () => {
      await Promise.all(open.splice(0).map((each) => each.close()));
    });

    test("of a service for which nobody set anything there is nothing, and that is current", async () => {
      const it = store();
      const service = freshService();
      expect(await it.get(service)).toBeUndefined();
      expect(await it.history(service)).toEqual([]);
      expect(await it.services()).not.toContain(service);
      const { state, policies } = await watchPolicies(it).until(() => true);
      expect([state, policies.has(service)]).toEqual(["current", false]);
    });

    test("what is set is there for everybody who asks, with who set it, when and why", async () => {
      const [one, other] = [store(), store()];
      const service = freshService();
      const policy = { timeoutMs: 500, retry: false, methods: { SayHello: { hedge: { delayMs: 20 } } } } as const;
      const before = Date.now();
      const set = await one.set(service, { policy, by, note: "the disk is slow" });
      expect(set).toMatchObject({ service, policy, by, note: "the disk is slow" });
      expect(Date.parse(set.at)).toBeGreaterThanOrEqual(before);
      expect(await other.get(service)).toEqual(set);
      expect(await other.services()).toContain(service);
    });

    test("who listens hears a change within a second, and one who comes late hears at once what is known", async () => {
      const [writer, reader] = [store(), store()];
      const service = freshService();
      const heard = watchPolicies(reader);
      await heard.until(() => true);
      const set = await writer.set(service, { policy: { timeoutMs: 1 }, by });
      expect(await heard.untilRevision(set, 1_000)).toEqual(set);
      expect(watchPolicies(reader).seen.at(-1)?.policies.get(service)).toEqual(set);
      const again = await writer.set(service, { policy: {}, by });
      expect((await heard.untilRevision(again, 1_000)).policy).toEqual({});
    });

    test("a listener that left hears no more, and one that throws keeps no other from hearing", async () => {
      const it = store();
      const service = freshService();
      it.watch(() => {
        throw new Error("a fault of the listener");
      });
      const [leaves, stays] = [watchPolicies(it), watchPolicies(it)];
      await Promise.all([leaves.until(() => true), stays.until(() => true)]);
      leaves.stop();
      leaves.stop();
      const { length } = leaves.seen;
      await stays.untilRevision(await it.set(service, { policy: { timeoutMs: 1 }, by }));
      expect(leaves.seen.length).toBe(length);
    });

    test("a source can be listened to again after its last listener left", async () => {
      const it = store();
      const service = freshService();
      const first = watchPolicies(it);
      await first.until(() => true);
      first.stop();
      const set = await it.set(service, { policy: { timeoutMs: 7 }, by });
      expect(await watchPolicies(it).untilRevision(set)).toEqual(set);
    });

    test("of two who set from the same revision the second is told who was before, and overwrites nothing", async () => {
      const [one, other] = [store(), store()];
      const service = freshService();
      const { revision } = await one.set(service, { policy: { timeoutMs: 1 }, by, expected: 0 });
      const won = await one.set(service, { policy: { timeoutMs: 2 }, by, expected: revision });
      expect(won.revision).toBeGreaterThan(revision);
      const late = other.set(service, { policy: { timeoutMs: 3 }, by: "bob@ops", expected: revision });
      const error = await late.catch((thrown) => thrown);
      expect(RpcError.is(error) && error.code === Code.ABORTED).toBe(true);
      expect(error.message).toContain(
        `the policy of ${service} has changed meanwhile: it is at revision ${won.revision}, by ${by} at ${won.at}, ` +
          `and this change was made from ${revision}`,
      );
      await expect(other.set(service, { policy: {}, by, expected: 0 })).rejects.toThrow("has changed meanwhile");
      expect(await other.get(service)).toEqual(won);
    });

    test("of many who set at once nobody overwrites another unseen, and the history has all who did", async () => {
      const service = freshService();
      const stores = Array.from({ length: 5 }, store);
      const sets = await Promise.allSettled(
        stores.map((each, i) => each.set(service, { policy: { timeoutMs: i }, by: `operator ${i}`, expected: 0 })),
      );
      const done = sets.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      expect(done.length).toBe(1);
      expect(await stores[0]?.history(service)).toEqual(done);
      for (const each of sets)
        if (each.status === "rejected") expect(each.reason).toMatchObject({ code: Code.ABORTED });
    });

    test("the history has the newest first, and no more than a hundred", async () => {
      const it = store();
      const [service, longer] = [freshService(), freshService()];
      await it.set(`${service}X`, { policy: { timeoutMs: 1 }, by });
      await it.set(longer, { policy: { timeoutMs: 1 }, by });
      for (let i = 1; i <= 103; i++) await it.set(service, { policy: { timeoutMs: i }, by });
      const history = await it.history(service);
      expect(history.map(({ policy }) => policy.timeoutMs)).toEqual(Array.from({ length: 100 }, (_, i) => 103 - i));
      expect(history[0]).toEqual(await it.get(service));
      expect(new Set(history.map(({ revision }) => revision)).size).toBe(100);
    });

    test("* stands for every service", async () => {
      const it = store();
      const set = await it.set("*", { policy: { waitForReady: true }, by });
      expect(await watchPolicies(it).untilRevision(set)).toEqual(set);
    });

    test.each<[policy: unknown, message: string]>([
      [{ timeoutMS: 5 }, 'the policy has no option "timeoutMS": did you mean timeoutMs?'],
      [{ timeoutMs: "5" }, 'timeoutMs is "5": give a number that is at least 0'],
      [{ timeoutMs: -1 }, "timeoutMs is -1: give a number that is at least 0"],
      [{ timeoutMs: null }, "timeoutMs is null"],
      [{ retry: true }, "retry is a boolean: give an object, or false for none"],
      [{ retry: { attempts: 2 } }, 'retry has no option "attempts"'],
      [{ retry: { maxAttempts: 0 } }, "retry.maxAttempts is 0: give a number that is at least 1"],
      [
        { retry: { retryableCodes: ["UNAVAILBLE"] } },
        'retry.retryableCodes is ["UNAVAILBLE"]: give a list of the names',
      ],
      [{ hedge: { delayMs: -5 } }, "hedge.delayMs is -5"],
      [{ waitForReady: "yes" }, "waitForReady is yes: give true or false"],
      [{ ejection: 3 }, "ejection is a number: give an object"],
      [{ ejection: { consecutive: 3 } }, 'ejection has no option "consecutive": did you mean consecutiveFaults?'],
      [{ ejection: { consecutiveFaults: 0 } }, "ejection.consecutiveFaults is 0: give a whole number from 1"],
      [{ ejection: { faultRate: 2 } }, "ejection.faultRate is 2: give a number from 0 to 1"],
      [{ rateLimit: 5 }, "rateLimit is a number: give an object"],
      [{ rateLimit: { perSecond: 0 } }, "rateLimit.perSecond is 0: give a number above 0"],
      [{ rateLimitPerCaller: {} }, "rateLimitPerCaller.perSecond is undefined: give a number above 0"],
      [{ methods: { A: { rateLimit: { perSecond: 1, burst: 0 } } } }, "methods.A.rateLimit.burst is 0"],
      [{ logLevel: "debug" }, "logLevel is of a whole process: set it under *"],
      [{ canary: 0.5 }, "canary is a number: give an object"],
      [{ canary: { share: 0.5 } }, "canary.match says which servers are meant: give an object of text"],
      [{ canary: { match: { version: 2 }, share: 0.5 } }, "canary.match says which servers are meant"],
      [{ canary: { match: { version: "2" }, share: 5 } }, "canary.share is 5: give a number from 0 to 1"],
      [{ canary: { match: { version: "2" } } }, "canary.share is undefined: give a number from 0 to 1"],
      [{ methods: [] }, "methods is a list: give an object, by the methods' names"],
      [{ methods: { "a.v1.B/C": {} } }, "write the method's name alone, such as SayHello"],
      [{ methods: { SayHello: { timeout: 5 } } }, 'methods.SayHello has no option "timeout"'],
      [{ methods: { SayHello: { maxRequestBytes: -1 } } }, "methods.SayHello.maxRequestBytes is -1"],
      [[], "the policy is a list: give an object"],
      ["timeoutMs=5", "the policy is a string"],
    ])("%j is refused, and the field is named", async (policy, message) => {
      const it = store();
      const service = freshService();
      const error = await it.set(service, { policy: policy as never, by }).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(message);
      expect(await it.get(service)).toBeUndefined();
    });

    test("what names no service, or nobody who set it, is refused", async () => {
      const it = store();
      await expect(it.set("a/b", { policy: {}, by })).rejects.toThrow('"a/b" is no service');
      await expect(it.get("")).rejects.toThrow("is no service");
      await expect(it.set(freshService(), { policy: {}, by: "" })).rejects.toThrow("by says who sets the policy");
      await expect(it.set("*", { policy: { logLevel: "loud" }, by })).rejects.toThrow("give one of trace, debug, info");
      const all = { methods: { SayHello: { timeoutMs: 1 } } };
      await expect(it.set("*", { policy: all, by })).rejects.toThrow(
        "methods is of one service: set it under its name, not under *",
      );
    });
  });
}

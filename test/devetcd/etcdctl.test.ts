import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";

const hasEtcdctl = (() => {
  try {
    execFileSync("etcdctl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.runIf(hasEtcdctl)("etcdctl, which is Go's clientv3,", () => {
  let server: DevEtcd;
  beforeAll(async () => {
    server = createDevEtcd();
    await server.listen();
  });
  afterAll(() => server.close());

  const endpoints = () => ["--endpoints", server.address ?? ""];
  async function ctl(args: string, input = ""): Promise<string> {
    const running = promisify(execFile)("etcdctl", [...endpoints(), ...args.split(" ")]);
    running.child.stdin?.end(input);
    const { stdout, stderr } = await running;
    return (stdout + stderr).trim();
  }

  async function revision(): Promise<number> {
    const { header } = JSON.parse(await ctl("get any -w json")) as { header: { revision: number } };
    return header.revision;
  }

  test("puts, gets, lists and deletes", async () => {
    expect(await ctl("put a/1 one")).toBe("OK");
    expect(await ctl("put a/2 two --prev-kv")).toBe("OK");
    expect(await ctl("get a/ --prefix")).toBe("a/1\none\na/2\ntwo");
    expect(await ctl("get a/ --prefix --keys-only --order=DESCEND --sort-by=KEY")).toBe("a/2\n\na/1");
    expect(await ctl("get a/ --prefix --limit=1 --print-value-only")).toBe("one");
    expect(await ctl("del a/ --prefix")).toBe("2");
  });

  test("runs a transaction", async () => {
    expect(await ctl("txn", 'mod("t") = "0"\n\nput t 1\n\nget t\n\n')).toBe("SUCCESS\n\nOK");
    expect(await ctl("txn", 'mod("t") = "0"\n\nput t 1\n\nget t\n\n')).toBe("FAILURE\n\nt\n1");
  });

  test("compacts, and is refused what was compacted", async () => {
    await ctl("put c 1");
    await ctl("put c 2");
    const now = await revision();
    expect(await ctl(`compact ${now}`)).toBe(`compacted revision ${now}`);
    await expect(ctl("get c --rev=2")).rejects.toThrow("required revision has been compacted");
  });

  test("grants, renews, shows and revokes a lease", async () => {
    const id = /lease (\w+) granted with TTL\(60s\)/.exec(await ctl("lease grant 60"))?.[1] ?? "";
    await ctl(`put leased here --lease=${id}`);
    expect(await ctl(`lease keep-alive --once ${id}`)).toMatch(`lease ${id} keepalived with TTL(60)`);
    expect(await ctl(`lease timetolive ${id} --keys`)).toMatch(/granted with TTL\(60s\).*\[leased\]/);
    expect(await ctl("lease list")).toMatch(id);
    expect(await ctl(`lease revoke ${id}`)).toBe(`lease ${id} revoked`);
    expect(await ctl("get leased")).toBe("");
    expect(await ctl(`lease timetolive ${id}`)).toMatch("already expired");
  });

  test("watches", async () => {
    const from = (await revision()) + 1;
    const child = spawn("etcdctl", [...endpoints(), "watch", "w/", "--prefix", `--rev=${from}`]);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const take = async (count: number) => {
      const taken: (string | undefined)[] = [];
      while (taken.length < count) taken.push((await lines.next()).value);
      return taken;
    };
    await ctl("put w/1 one");
    expect(await take(3)).toEqual(["PUT", "w/1", "one"]);
    await ctl("del w/1");
    expect(await take(2)).toEqual(["DELETE", "w/1"]);
    const exited = once(child, "exit");
    child.kill();
    await exited;
  });

  test("locks", async () => {
    expect(await ctl("lock l -- echo held")).toBe("held");
  });

  test("finds a healthy member", async () => {
    expect(await ctl("endpoint health")).toMatch("is healthy");
    expect(await ctl("endpoint status --cluster -w simple")).toMatch(`http://${server.address}`);
    expect(await ctl("member list")).toMatch("trunkline-dev");
    expect(await ctl("alarm list")).toBe("");
  });
});

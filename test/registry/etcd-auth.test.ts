import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type EtcdOptions, etcd } from "../../src/registry/etcd/index.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { createLog } from "../support/log.ts";
import { watchService } from "../support/snapshots.ts";

const endpoint = { address: "10.0.0.1:1000" };
const tokenTtlSeconds = 1;

describe.runIf(hasEtcd)("an etcd that asks for a login", () => {
  let server: TestEtcd;
  beforeAll(async () => {
    server = await startEtcd({ args: ["--auth-token-ttl", `${tokenTtlSeconds}`] });
    server.ctl("user", "add", "root:secret");
    server.ctl("user", "grant-role", "root", "root");
    server.ctl("auth", "enable");
  });
  afterAll(() => server.stop());

  const open: Registry[] = [];
  const registry = (options: EtcdOptions, hosts: string | readonly string[] = server.urls) => {
    const made = etcd(hosts, { ttlSeconds: 2, ...options });
    open.push(made);
    return made;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  test("gets one, from the options or from the URI", async () => {
    const host = new URL(server.urls[0] ?? "").host;
    const [a, b] = [registry({ username: "root", password: "secret" }), registry({}, `etcd://root:secret@${host}`)];
    await a.register({ services: ["auth.v1.Both"], endpoint }).registered;
    await watchService(b, "auth.v1.Both").untilCurrent(endpoint.address);
  });

  test("gets a new one when the token has expired: nothing is lost and nothing is logged", async () => {
    const log = createLog();
    const it = registry({ username: "root", password: "secret", logger: log, ttlSeconds: 6 });
    await it.register({ services: ["auth.v1.Expired"], endpoint }).registered;
    const watched = watchService(it, "auth.v1.Expired");
    await watched.untilCurrent(endpoint.address);
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, (tokenTtlSeconds + 0.5) * 1_000));
      const other = it.register({ services: ["auth.v1.Expired"], endpoint: { address: "10.0.0.2:1000" } });
      await other.registered;
      await watched.untilCurrent(endpoint.address, "10.0.0.2:1000");
      await other.close();
      await watched.untilCurrent(endpoint.address);
    }
    expect(log.of()).toEqual([]);
  });

  test("forgets all tokens when it restarts, and nobody loses a server", async () => {
    const it = registry({ username: "root", password: "secret" });
    await it.register({ services: ["auth.v1.Restarted"], endpoint }).registered;
    const watched = watchService(it, "auth.v1.Restarted");
    await watched.untilCurrent(endpoint.address);
    const known = watched.seen.length;
    await server.nodes[0]?.kill();
    await watched.until(({ state }) => state === "stale");
    await server.nodes[0]?.start();
    await watched.untilCurrent(endpoint.address);
    expect(watched.seen.slice(known).every(({ endpoints }) => endpoints.length === 1)).toBe(true);
  });

  test("refuses a wrong password: the registry is unknown, says why, and logs it once", async () => {
    const log = createLog();
    const it = registry({ username: "root", password: "wrong", logger: log });
    const watched = watchService(it, "auth.v1.Wrong");
    const snapshot = await watched.until(() => true);
    expect(snapshot).toMatchObject({ state: "unknown", endpoints: [] });
    expect(snapshot.reason).toContain("invalid user ID or password");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(log.of().length).toBe(1);
    expect(JSON.stringify(log.lines)).not.toContain("wrong");
  });

  test("refuses whoever does not log in, and says why", async () => {
    const watched = watchService(registry({}), "auth.v1.Nobody");
    expect((await watched.until(() => true)).reason).toContain("user name is empty");
  });
});

test.runIf(hasEtcd)("a login that etcd does not ask for does no harm", async () => {
  const server = await startEtcd();
  const it = etcd(server.urls, { username: "me", password: "secret" });
  await it.register({ services: ["auth.v1.Open"], endpoint }).registered;
  await watchService(it, "auth.v1.Open").untilCurrent(endpoint.address);
  await it.close();
  await server.stop();
});

test.runIf(hasEtcd)(
  "three nodes that ask for a login, one of them frozen: each takes the token of another",
  async () => {
    const server = await startEtcd({ nodes: 3, args: ["--auth-token-ttl", "2"] });
    server.ctl("user", "add", "root:secret");
    server.ctl("user", "grant-role", "root", "root");
    server.ctl("auth", "enable");
    const log = createLog();
    const it = etcd(server.urls, { username: "root", password: "secret", ttlSeconds: 5, logger: log });
    await it.register({ services: ["auth.v1.Three"], endpoint }).registered;
    for (const [i, node] of server.nodes.entries()) {
      node.freeze();
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      const during = it.register({ services: [`auth.v1.Three${i}`], endpoint });
      await during.registered;
      await during.close();
      node.thaw();
    }
    await watchService(it, "auth.v1.Three").untilCurrent(endpoint.address);
    expect(log.lines.map(({ message }) => message)).not.toContain("registered again");
    await it.close();
    await server.stop();
  },
  60_000,
);

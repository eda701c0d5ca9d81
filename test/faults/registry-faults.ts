// Faults of the registry: nodes killed and frozen, all of it gone, its data gone, its memory of a watch gone.
import { setTimeout as sleep } from "node:timers/promises";
import { startFleetServer } from "./fleet.ts";
import type { LoadReport } from "./protocol.ts";
import { course, first, type Scenario, type Stage, service, stage, untilCalled, untilRegistered } from "./scenario.ts";

const login = "root:secret";

/** The usual course, after which the registry must do its work again: every server registered, a new one called. */
function courseOfRegistry(at: Stage, fault: () => Promise<void> | void): Promise<LoadReport> {
  const faultAndBack = async (): Promise<void> => {
    await fault();
    const { address } = await startFleetServer({ registry: at.registry });
    await untilRegistered(at, [...at.servers.map((server) => server.address), address]);
    await untilCalled(at, address);
  };
  return course(at, faultAndBack, 1_000);
}

function outage(name: string, what: string, wipe: boolean): Scenario {
  return {
    name,
    what,
    promised: {},
    async run(expect) {
      await using at = await stage(expect);
      const away = async (): Promise<void> => {
        await Promise.all(at.etcd.nodes.map((node) => node.kill()));
        await sleep(60_000);
        await Promise.all(at.etcd.nodes.map((node) => node.start({ wipe })));
      };
      return await courseOfRegistry(at, away);
    },
  };
}

/**
 * One of three nodes silent for a minute, while every key is looked for twice a second: whoever is registered stays so at
 * every look.
 */
function silence(name: string, ttlSeconds: number): Scenario {
  return {
    name,
    what: `one etcd node silent for 60 s, 12 servers with leases of ${ttlSeconds} s`,
    promised: {},
    async run(expect) {
      await using at = await stage(expect, { servers: 12, server: { ttlSeconds } });
      const silent = async (): Promise<void> => {
        const node = at.etcd.nodes[1] ?? first(at.etcd.nodes);
        const missed = new Set<string>();
        const end = performance.now() + 60_000;
        node.freeze();
        while (performance.now() < end) {
          await sleep(500);
          const keys = keysOf(at);
          if (keys === undefined) continue;
          for (const { address } of at.servers) if (!keys.includes(`${service}/${address}`)) missed.add(address);
        }
        node.thaw();
        expect(missed.size === 0, `${missed.size} of 12 registrations were lost: ${[...missed]}`);
      };
      return await courseOfRegistry(at, silent);
    },
  };
}

/** `undefined` while etcd elects a leader and answers nobody. */
function keysOf(at: Stage): string | undefined {
  try {
    return at.ctl("get", "--prefix", "--keys-only", `${service}/`);
  } catch {
    return undefined;
  }
}

function revisionOf(at: Stage): number {
  return JSON.parse(at.ctl("get", "x", "-w", "json")).header.revision;
}

export const registryFaults: readonly Scenario[] = [
  {
    name: "etcd-node-killed",
    what: "one etcd node killed, then back",
    promised: {},
    async run(expect) {
      await using at = await stage(expect);
      const killed = async (): Promise<void> => {
        const node = at.etcd.nodes[1] ?? first(at.etcd.nodes);
        await node.kill();
        await sleep(4_000);
        await node.start();
      };
      return await courseOfRegistry(at, killed);
    },
  },
  {
    name: "etcd-node-frozen",
    what: "one etcd node frozen for 10 s",
    promised: {},
    async run(expect) {
      await using at = await stage(expect);
      const frozen = async (): Promise<void> => {
        const node = at.etcd.nodes[1] ?? first(at.etcd.nodes);
        node.freeze();
        await sleep(10_000);
        node.thaw();
      };
      return await courseOfRegistry(at, frozen);
    },
  },
  silence("etcd-node-silent", 10),
  silence("etcd-silent-ttl-3", 3),
  outage("etcd-outage", "all of etcd down for 60 s, then back", false),
  outage("etcd-wiped", "all of etcd down for 60 s, then back with empty data", true),
  {
    name: "compaction",
    what: "compaction under a watch",
    promised: {},
    async run(expect) {
      await using at = await stage(expect, { nodes: 1 });
      const compact = async (): Promise<void> => {
        // While the watch is away, the history that it would go on from is compacted.
        const node = first(at.etcd.nodes);
        node.freeze();
        await sleep(3_000);
        node.thaw();
        for (let i = 0; i < 50; i++) at.ctl("put", "unrelated", `${i}`);
        at.ctl("compact", `${revisionOf(at)}`);
        await node.start();
      };
      return await courseOfRegistry(at, compact);
    },
  },
  {
    name: "keys-deleted",
    what: "all registrations deleted by hand",
    promised: {},
    short: true,
    async run(expect) {
      await using at = await stage(expect, { nodes: 1 });
      const wipe = async (): Promise<void> => {
        at.ctl("del", "--prefix", `${service}/`);
      };
      return await courseOfRegistry(at, wipe);
    },
  },
  {
    name: "auth-token-expired",
    what: "user and password, tokens that expire after 2 s",
    promised: {},
    async run(expect) {
      await using at = await stage(expect, {
        nodes: 1,
        etcdArgs: ["--auth-token-ttl", "2"],
        login,
        prepare(etcd) {
          etcd.ctl("user", "add", login);
          etcd.ctl("user", "grant-role", "root", "root");
          etcd.ctl("auth", "enable");
        },
      });
      const expired = async (): Promise<void> => {
        await sleep(6_000);
        const node = first(at.etcd.nodes);
        await node.kill();
        await node.start();
      };
      return await courseOfRegistry(at, expired);
    },
  },
];

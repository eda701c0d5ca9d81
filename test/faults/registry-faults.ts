// Faults of the registry: nodes killed and frozen, all of it gone, its data gone, its memory of a watch gone.
import { setTimeout as sleep } from "node:timers/promises";
import type { TestEtcd } from "../support/etcd.ts";
import { startFleetServer } from "./fleet.ts";
import { check, course, first, type Scenario, type Stage, stage } from "./scenario.ts";

const service = "greeter.v1.Greeter";

/** Every registration stands again, and a new server is found: the registry does its work. */
async function works(at: Stage): Promise<void> {
  const wanted = [
    ...at.servers.map(({ address }) => address),
    (await startFleetServer({ registry: at.registry })).address,
  ];
  const end = performance.now() + 20_000;
  for (;;) {
    const keys = at.etcd.ctl("get", "--prefix", "--keys-only", `${service}/`);
    if (wanted.every((address) => keys.includes(`${service}/${address}`))) return;
    check(
      performance.now() < end,
      `not registered again within 20 s: ${wanted.filter((each) => !keys.includes(each))}`,
    );
    await sleep(100);
  }
}

function outage(name: string, what: string, wipe: boolean): Scenario {
  return {
    name,
    what,
    promised: {},
    async run() {
      await using at = await stage();
      const away = async (): Promise<void> => {
        await Promise.all(at.etcd.nodes.map((node) => node.kill()));
        await sleep(60_000);
        await Promise.all(at.etcd.nodes.map((node) => node.start({ wipe })));
        await works(at);
      };
      return await course(at, away, 3_000);
    },
  };
}

function revisionOf(etcd: TestEtcd): number {
  return JSON.parse(etcd.ctl("get", "x", "-w", "json")).header.revision;
}

export const registryFaults: readonly Scenario[] = [
  {
    name: "etcd-node-killed",
    what: "one etcd node killed, then back",
    promised: {},
    short: true,
    async run() {
      await using at = await stage();
      const killed = async (): Promise<void> => {
        const node = at.etcd.nodes[1] ?? first(at.etcd.nodes);
        await node.kill();
        await sleep(4_000);
        await node.start();
        await works(at);
      };
      return await course(at, killed, 1_000);
    },
  },
  {
    name: "etcd-node-frozen",
    what: "one etcd node frozen for 10 s",
    promised: {},
    async run() {
      await using at = await stage();
      const frozen = async (): Promise<void> => {
        const node = at.etcd.nodes[1] ?? first(at.etcd.nodes);
        node.freeze();
        await sleep(10_000);
        node.thaw();
        await works(at);
      };
      return await course(at, frozen, 1_000);
    },
  },
  outage("etcd-outage", "all of etcd down for 60 s, then back", false),
  outage("etcd-wiped", "all of etcd down for 60 s, then back with empty data", true),
  {
    name: "compaction",
    what: "compaction under a watch",
    promised: {},
    short: true,
    async run() {
      await using at = await stage({ nodes: 1 });
      const compact = async (): Promise<void> => {
        // While the watch is away, the history that it would go on from is compacted.
        const node = first(at.etcd.nodes);
        node.freeze();
        await sleep(3_000);
        node.thaw();
        for (let i = 0; i < 50; i++) at.etcd.ctl("put", "unrelated", `${i}`);
        at.etcd.ctl("compact", `${revisionOf(at.etcd)}`);
        await node.start();
        await works(at);
      };
      return await course(at, compact, 1_000);
    },
  },
  {
    name: "keys-deleted",
    what: "all registrations deleted by hand",
    promised: {},
    short: true,
    async run() {
      await using at = await stage({ nodes: 1 });
      const wipe = async (): Promise<void> => {
        at.etcd.ctl("del", "--prefix", `${service}/`);
        await works(at);
      };
      return await course(at, wipe, 2_000);
    },
  },
  {
    name: "auth-token-expired",
    what: "user and password, tokens that expire after 2 s",
    promised: {},
    async run() {
      const root = "--user=root:secret";
      await using at = await stage({
        nodes: 1,
        etcdArgs: ["--auth-token-ttl", "2"],
        credentials: "root:secret@",
        prepare(etcd) {
          etcd.ctl("user", "add", "root:secret");
          etcd.ctl("user", "grant-role", "root", "root");
          etcd.ctl("auth", "enable");
        },
      });
      const away = async (): Promise<void> => {
        await sleep(6_000);
        const node = first(at.etcd.nodes);
        await node.kill();
        await node.start();
        const late = await startFleetServer({ registry: at.registry });
        const end = performance.now() + 20_000;
        for (const { address } of [...at.servers, late]) {
          while (!at.etcd.ctl(root, "get", "--keys-only", `${service}/${address}`).includes(address)) {
            check(performance.now() < end, `${address} is not registered again within 20 s`);
            await sleep(100);
          }
        }
      };
      return await course(at, away, 1_000);
    },
  },
];

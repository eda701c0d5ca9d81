// Faults of servers: killed, frozen, failing, slow, replaced.
import { setTimeout as sleep } from "node:timers/promises";
import { startFleetServer } from "./fleet.ts";
import { check, course, first, type Scenario, stage } from "./scenario.ts";

/** About as many calls as one of three servers has in flight at 250 calls a second, and those sent until it is found out. */
const inFlight = 10;
/** A frozen server is found out within two pings; what is sent there until then is lost where it may not be sent again. */
const untilFoundOut = 250;

export const serverFaults: readonly Scenario[] = [
  {
    name: "sigkill",
    what: "SIGKILL of a server, and its return",
    promised: { otherLost: inFlight },
    short: true,
    async run() {
      await using at = await stage();
      const victim = first(at.servers);
      const report = await course(
        at,
        async () => {
          await victim.end("SIGKILL");
          await sleep(3_000);
          await victim.start();
        },
        4_000,
      );
      check((report.perServer[victim.address] ?? 0) > 0, "the killed server never answered again");
      return report;
    },
  },
  {
    name: "sigstop",
    what: "SIGSTOP of a server for 10 s",
    promised: { otherLost: untilFoundOut },
    async run() {
      await using at = await stage({ load: { timeoutMs: 8_000 } });
      const victim = first(at.servers);
      const freeze = async (): Promise<void> => {
        victim.freeze();
        await sleep(10_000);
        victim.thaw();
      };
      return await course(at, freeze, 4_000);
    },
  },
  {
    name: "unavailable",
    what: "a server returns UNAVAILABLE for 10 s",
    promised: { otherLost: 30, amplification: 1.2 },
    async run() {
      await using at = await stage();
      const victim = first(at.servers);
      const failing = async (): Promise<void> => {
        victim.behave({ fail: true });
        await sleep(10_000);
        victim.behave({ fail: false });
      };
      return await course(at, failing, 3_000);
    },
  },
  {
    name: "slow",
    what: "a server is 50x slower for 10 s, hedging after 50 ms",
    promised: {},
    async run() {
      await using at = await stage({ server: { delayMs: 4 }, load: { hedgeMs: 50 } });
      const victim = first(at.servers);
      const slow = async (): Promise<void> => {
        victim.behave({ delayMs: 200 });
        await sleep(10_000);
        victim.behave({ delayMs: 4 });
      };
      return await course(at, slow, 2_000);
    },
  },
  {
    name: "rolling-restart",
    what: "rolling restart of all servers (SIGTERM)",
    promised: {},
    short: true,
    async run() {
      await using at = await stage();
      const roll = async (): Promise<void> => {
        for (const server of at.servers) {
          await server.end("SIGTERM");
          await server.start();
        }
      };
      return await course(at, roll, 2_000);
    },
  },
  {
    name: "rolling-upgrade",
    what: "rolling upgrade that adds a method",
    promised: {},
    async run() {
      // Three servers that lack SayHelloAgain, and the first of those that have it.
      await using at = await stage({ servers: 1, oldServers: 3 });
      const upgrade = async (): Promise<void> => {
        for (const old of at.oldServers) {
          await startFleetServer({ registry: at.registry });
          await old.end("SIGTERM");
        }
      };
      const report = await course(at, upgrade, 2_000);
      const unimplemented = Object.keys(report.failures).filter((what) => what.startsWith("UNIMPLEMENTED"));
      check(unimplemented.length === 0, `a call met a server that lacks its method: ${unimplemented.join()}`);
      return report;
    },
  },
];

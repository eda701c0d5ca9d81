// Faults of memory: strangers who make a server hold what they send.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { startMemoryAttack } from "./fleet.ts";
import { course, first, type Scenario, stage } from "./scenario.ts";

const callsPerSecond = 2_000;
const connections = 100;
const aloneMs = 6_000;
const besideMs = 20_000;
const mostResidentMib = 1.3 * 1024;

export const memoryFaults: readonly Scenario[] = [
  {
    name: "memory-held",
    what: `${connections} connections that each begin 1,000 messages of 4 MiB and end none, beside ${callsPerSecond} calls a second`,
    promised: {},
    async run(expect) {
      await using at = await stage(expect, { nodes: 1, servers: 1, load: { callsPerSecond } });
      const server = first(at.servers);
      // Strangers and callers have machines of their own: here they share what the server does not have.
      pin(server.pid, "0");
      pin(at.load.pid, others);
      await sleep(aloneMs);
      const attack = await startMemoryAttack({
        address: server.address,
        path: Greeter.methods.sayHello.path,
        connections,
      });
      pin(attack.pid, others);
      const report = await course(at, () => {}, besideMs);
      const { sentMiB, ends } = await attack.end();
      const part =
        rate(report.perSecond.slice(-besideMs / 1_000 - 1, -1)) / rate(report.perSecond.slice(1, aloneMs / 1_000));
      const residentMib = peakResidentMib(server.pid);
      expect(part >= 0.8, `${part.toFixed(2)} of the calls that were answered without them`);
      expect(residentMib < mostResidentMib, `${residentMib} MiB resident`);
      const ended = Object.entries(ends).map(([why, count]) => `${count} x ${why}`);
      const note = `${part.toFixed(2)} of the calls a second made without them, ${residentMib} MiB resident at most`;
      console.log(`    they sent ${sentMiB} MiB and were ended: ${ended.join(", ")}`);
      return { ...report, note };
    },
  },
];

const others = `1-${Math.max(1, availableParallelism() - 1)}`;

function rate(perSecond: readonly number[]): number {
  return perSecond.reduce((sum, each) => sum + each, 0) / perSecond.length;
}

/** Gives a process its cores, where there is more than one and `taskset` to do it. */
function pin(pid: number, cores: string): void {
  if (availableParallelism() === 1) return;
  try {
    execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", cores, `${pid}`], { stdio: "ignore" });
  } catch {
    console.log("    without taskset all share the cores");
  }
}

function peakResidentMib(pid: number): number {
  const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kib) / 1024);
}

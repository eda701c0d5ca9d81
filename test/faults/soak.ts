// `npm run soak`: servers come and go under a steady load, and neither memory nor file descriptors may grow.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type FleetServer, startFleetServer } from "./fleet.ts";
import type { Usage } from "./protocol.ts";
import { type Expect, first, type Stage, stage } from "./scenario.ts";

const usage = `usage: npm run soak -- [--minutes N] [--calls N]
  --minutes  how long; 10 by default, 1 at least
  --calls    calls a second; 250 by default`;

/** What the last quarter may take up more than the second one: caches that fill late, pages that are not given back. */
const allowed = { heapMb: 2, rssMb: 16, files: 4 } as const;

interface Sample {
  readonly client: Usage;
  readonly server: Usage;
}

function options(): { minutes: number; callsPerSecond: number } {
  try {
    const { values } = parseArgs({ options: { minutes: { type: "string" }, calls: { type: "string" } } });
    const minutes = Number(values.minutes ?? 10);
    const callsPerSecond = Number(values.calls ?? 250);
    if (minutes >= 1 && callsPerSecond >= 1) return { minutes, callsPerSecond };
    console.error(usage);
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
  }
  process.exit(2);
}

/** A server that was never there before comes and goes, and one that is known goes and comes back. */
async function comeAndGo(at: Stage, round: number): Promise<void> {
  const how = round % 2 === 0 ? "SIGTERM" : "SIGKILL";
  const known = at.servers[1 + (round % (at.servers.length - 1))] as FleetServer;
  const stranger = await startFleetServer({ registry: at.registry });
  await sleep(2_000);
  await known.end(how);
  await stranger.end(how);
  await sleep(1_000);
  await known.start();
  // Until the lease of what was killed has ended, and everybody has heard of it.
  await sleep(5_000);
}

async function sample(at: Stage): Promise<Sample> {
  const [client, server] = await Promise.all([at.load.measure(), first(at.servers).measure()]);
  return { client, server };
}

function line(cells: readonly (string | number)[]): string {
  return cells.map((cell) => `${cell}`.padStart(10)).join("");
}

function show(seconds: number, { client, server }: Sample): void {
  const cells = [client, server].flatMap(({ heapMb, rssMb, files }) => [heapMb.toFixed(1), rssMb.toFixed(1), files]);
  console.log(line([seconds, ...cells]));
}

/** The middle one, so that one sample at a bad moment decides nothing. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The second quarter against the last; in the first everything warms up. */
function growth(samples: readonly Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
  const grown: string[] = [];
  for (const side of ["client", "server"] as const) {
    for (const what of ["heapMb", "rssMb", "files"] as const) {
      const [before, after] = [early, late].map((some) => median(some.map((each) => each[side][what])));
      const more = (after ?? 0) - (before ?? 0);
      console.log(`${side} ${what}: ${before} -> ${after}`);
      if (more > allowed[what]) grown.push(`${what} of the ${side} grew from ${before} to ${after}`);
    }
  }
  return grown;
}

async function soak(): Promise<string[]> {
  const { minutes, callsPerSecond } = options();
  const problems: string[] = [];
  const expect: Expect = (holds, otherwise) => void (holds || problems.push(otherwise));
  await using at = await stage(expect, { nodes: 1, load: { callsPerSecond } });
  const began = performance.now();
  const samples: Sample[] = [];
  console.log(line(["", "client", "", "", "server", "", ""]));
  console.log(line(["seconds", "heap MB", "RSS MB", "files", "heap MB", "RSS MB", "files"]));
  for (let round = 0; performance.now() - began < minutes * 60_000; round++) {
    await comeAndGo(at, round);
    samples.push(await sample(at));
    show(Math.round((performance.now() - began) / 1_000), samples.at(-1) as Sample);
  }
  for (const grown of growth(samples)) expect(false, grown);
  const { calls, idempotentLost, otherLost, failures } = await at.load.stop();
  console.log(`${calls} calls, ${idempotentLost} idempotent and ${otherLost} others lost, ${samples.length} rounds`);
  for (const [failure, times] of Object.entries(failures)) console.log(`    ${times} x ${failure}`);
  expect(idempotentLost === 0, `${idempotentLost} idempotent calls were lost`);
  return problems;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const problems = await soak();
for (const each of problems) console.log(`NOT KEPT: ${each}`);
console.log(problems.length === 0 ? "flat" : "NOT FLAT");
process.exit(problems.length === 0 ? 0 : 1);

import type { Seen } from "./lanes.ts";
import type { ContenderName } from "./names.ts";
import type { Cores } from "./pinning.ts";
import { startWorker, type Worker } from "./process.ts";
import { describeShape, type Shape } from "./shapes.ts";

/** One line of the table, and of the JSON. */
export interface Row {
  readonly contender: ContenderName;
  readonly shape: string;
  readonly inFlight: number;
  readonly tls: boolean;
  /** Of streams, messages a second. */
  readonly callsPerSecond: number;
  /** Of a call; of a stream shape, of a whole stream. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor time for a call, or for a message of a stream. */
  readonly serverCpuUs: number;
  readonly clientCpuUs: number;
}

export interface RunOptions {
  readonly contenders: readonly ContenderName[];
  readonly shapes: readonly Shape[];
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmupMs: number;
  readonly cores: Cores | undefined;
  /** Where each process leaves a CPU profile when it ends; none by default. */
  readonly profile?: string | undefined;
  /** Told what is being measured, and what did not work. */
  readonly progress: (text: string) => void;
}

/** A contender's two processes. */
interface Pair {
  readonly contender: ContenderName;
  readonly server: Worker;
  readonly client: Worker;
}

interface Round extends Seen {
  readonly serverCpuUs: number;
}

/** Measures every shape with every contender that has it. What fails is reported and left out; `failures` counts it. */
export async function run(options: RunOptions): Promise<{ rows: Row[]; failures: number }> {
  const rows: Row[] = [];
  let failures = 0;
  const failed = (contender: string, error: unknown) => {
    failures++;
    options.progress(`${contender} failed: ${error instanceof Error ? error.message : error}`);
  };
  for (const group of groups(options.shapes)) {
    let pairs: Pair[] = [];
    for (const contender of options.contenders) {
      // moleculer has no TLS of its own on this transport.
      if (contender === "moleculer" && group[0]?.tls) continue;
      await startPair(contender, group[0]?.tls === true, options).then(
        (pair) => pairs.push(pair),
        (error) => failed(contender, error),
      );
    }
    for (const shape of group) {
      options.progress(describeShape(shape.name, shape.inFlight, shape.tls));
      const measured = await measure(shape, pairs, options, (pair, error) => {
        failed(pair.contender, error);
        pairs = pairs.filter((each) => each !== pair);
        return stopPair(pair);
      });
      rows.push(...measured);
    }
    await Promise.all(pairs.map(stopPair));
  }
  return { rows, failures };
}

/** Shapes that are measured with the same processes stand together. */
function groups(shapes: readonly Shape[]): Shape[][] {
  const byGroup = new Map<string, Shape[]>();
  for (const shape of shapes) {
    const key = `${shape.group} ${shape.tls}`;
    byGroup.set(key, [...(byGroup.get(key) ?? []), shape]);
  }
  return [...byGroup.values()];
}

async function startPair(contender: ContenderName, tls: boolean, options: RunOptions): Promise<Pair> {
  const { cores, profile } = options;
  const flags = (side: string) =>
    profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}/${contender}-${side}`];
  const server = await startWorker(contender, { core: cores?.server, flags: flags("server") });
  const client = await startWorker(contender, { core: cores?.client, flags: flags("client") });
  ports.set(server, (await server.ask("serve", { tls })).port);
  return { contender, server, client };
}

/** Where each server listens. */
const ports = new WeakMap<Worker, number>();

async function stopPair({ server, client }: Pair): Promise<void> {
  await Promise.all([client.stop(), server.stop()]);
}

/** Warms every contender up, then measures them in turn, round by round, so that noise hits all alike. */
async function measure(
  shape: Shape,
  pairs: readonly Pair[],
  { rounds, roundMs, warmupMs }: RunOptions,
  failed: (pair: Pair, error: unknown) => Promise<void>,
): Promise<Row[]> {
  const seen = new Map<Pair, Round[]>();
  for (const pair of pairs) {
    await prepare(pair, shape, warmupMs).then(
      (offers) => offers && seen.set(pair, []),
      (error) => failed(pair, error),
    );
  }
  for (let i = 0; i < rounds; i++) {
    for (const [pair, measured] of seen) {
      try {
        measured.push(await round(pair, shape, roundMs));
      } catch (error) {
        seen.delete(pair);
        await failed(pair, error);
      }
    }
  }
  return [...seen].map(([pair, measured]) => summary(pair.contender, shape, measured));
}

async function prepare({ server, client }: Pair, shape: Shape, warmupMs: number): Promise<boolean> {
  const { tls, connections, inFlight, name } = shape;
  await client.ask("disconnect", {});
  await client.ask("connect", { port: ports.get(server) as number, tls, connections, inFlight });
  const { offers } = await client.ask("offers", { shape: name });
  if (offers) await client.ask("drive", { shape: name, inFlight, durationMs: warmupMs });
  return offers;
}

/** Drives a contender's client for a while, and sees what its server spends on it. */
export async function round(
  { server, client }: Pick<Pair, "server" | "client">,
  { name, inFlight }: Shape,
  durationMs: number,
): Promise<Round> {
  const before = await server.ask("cpu", {});
  const seen = await client.ask("drive", { shape: name, inFlight, durationMs });
  const after = await server.ask("cpu", {});
  return { ...seen, serverCpuUs: after.cpuUs - before.cpuUs };
}

/** The line of a shape: the medians of its rounds. */
export function summary(contender: ContenderName, { name, inFlight, tls }: Shape, rounds: readonly Round[]): Row {
  const of = (value: (round: Round) => number) => Number(median(rounds.map(value)).toPrecision(4));
  return {
    contender,
    shape: name,
    inFlight,
    tls,
    callsPerSecond: of(({ units, elapsedMs }) => (1000 * units) / elapsedMs),
    p50Us: of(({ p50Us }) => p50Us),
    p99Us: of(({ p99Us }) => p99Us),
    serverCpuUs: of(({ serverCpuUs, units }) => serverCpuUs / units),
    clientCpuUs: of(({ cpuUs, units }) => cpuUs / units),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}

import type { Followed } from "./follow-fleet.ts";
import type { Cores } from "./pinning.ts";
import { startWorker } from "./process.ts";
import { count, micros } from "./table.ts";

/** What a channel spends where endpoints change all the time. */
export interface ChangesRow extends Followed {
  readonly registry: "in process" | "embedded";
  readonly endpoints: number;
  readonly changesPerSecond: number;
  readonly subset: number | undefined;
}

export interface ChangesOptions {
  readonly durationMs: number;
  readonly cores: Cores | undefined;
  readonly progress: (text: string) => void;
}

type Asked = Pick<ChangesRow, "registry" | "changesPerSecond" | "subset">;

const endpoints = 5_000;

const asked: readonly Asked[] = [
  { registry: "in process", changesPerSecond: 0, subset: undefined },
  { registry: "in process", changesPerSecond: 50, subset: undefined },
  { registry: "in process", changesPerSecond: 500, subset: undefined },
  { registry: "in process", changesPerSecond: 500, subset: 20 },
  { registry: "embedded", changesPerSecond: 50, subset: undefined },
  { registry: "embedded", changesPerSecond: 500, subset: undefined },
  { registry: "embedded", changesPerSecond: 500, subset: 20 },
];

export async function measureChanges(options: ChangesOptions): Promise<ChangesRow[]> {
  const { cores, durationMs } = options;
  const timeoutMs = durationMs + 60_000;
  const server = await startWorker("trunkline", { core: cores?.server });
  const { port } = await server.ask("serve", { tls: false });
  const rows: ChangesRow[] = [];
  for (const each of asked) {
    const { registry, changesPerSecond, subset } = each;
    options.progress(`${endpoints} endpoints, ${changesPerSecond} changes a second, ${registry}, subset ${subset}`);
    const fleet = { port, endpoints, changesPerSecond };
    const client = await startWorker("trunkline", { core: cores?.client, timeoutMs });
    const keeper = await startWorker("trunkline", { core: cores?.server, timeoutMs });
    const uri = registry === "embedded" ? (await keeper.ask("keep", fleet)).uri : undefined;
    rows.push({ ...each, endpoints, ...(await client.ask("follow", { ...fleet, uri, subset, durationMs })) });
    await Promise.all([client.stop(), keeper.stop()]);
  }
  await server.stop();
  return rows;
}

const headings = [
  "registry",
  "changes a second",
  "subset",
  "of a core",
  "loop p99 ms",
  "call p50 us",
  "call p99 us",
  "failed",
];

/** A Markdown table. */
export function changesTable(rows: readonly ChangesRow[]): string {
  const lines = rows.map((row) => [
    row.registry,
    count(row.changesPerSecond),
    row.subset === undefined ? "-" : count(row.subset),
    `${(100 * row.core).toFixed(0)} %`,
    row.loopP99Ms.toFixed(1),
    micros(row.p50Us),
    micros(row.p99Us),
    count(row.failed),
  ]);
  return [headings, headings.map((_, i) => (i === 0 ? "---" : "---:")), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

import type { Cores } from "./pinning.ts";
import { startWorker } from "./process.ts";
import { type Row, round, summary } from "./run.ts";
import { unary } from "./shapes.ts";
import { count, micros } from "./table.ts";

/** What a call of trunkline costs with so many endpoints, and calls in flight. */
export interface ScaleRow extends Row {
  readonly endpoints: number;
}

export interface ScaleOptions {
  readonly roundMs: number;
  readonly warmupMs: number;
  readonly cores: Cores | undefined;
  readonly progress: (text: string) => void;
}

/** A call in flight for each endpoint, so that what a connection can put into one write stays the same. */
const spread = [1, 10, 100, 1000].map((many) => ({ endpoints: many, inFlight: many }));
const deep = [100, 1000, 10_000].map((many) => ({ endpoints: 1, inFlight: many }));

export async function measureScale(options: ScaleOptions): Promise<ScaleRow[]> {
  const { cores } = options;
  const server = await startWorker("trunkline", { core: cores?.server });
  const client = await startWorker("trunkline", { core: cores?.client });
  const { port } = await server.ask("serve", { tls: false });
  const rows: ScaleRow[] = [];
  for (const { endpoints, inFlight } of [...spread, ...deep]) {
    options.progress(`${endpoints} endpoints, ${inFlight} calls in flight`);
    await client.ask("spread", { port, endpoints });
    const shape = unary(inFlight);
    await client.ask("drive", { shape: shape.name, inFlight, durationMs: options.warmupMs });
    const seen = await round({ server, client }, shape, 3 * options.roundMs);
    rows.push({ endpoints, ...summary("trunkline", shape, [seen]) });
    await client.ask("disconnect", {});
  }
  await Promise.all([server.stop(), client.stop()]);
  return rows;
}

const headings = ["endpoints", "in flight", "a second", "p99 us", "server us", "client us"];

/** A Markdown table. */
export function scaleTable(rows: readonly ScaleRow[]): string {
  const lines = rows.map((row) => [
    row.endpoints.toLocaleString("en-US"),
    row.inFlight.toLocaleString("en-US"),
    count(row.callsPerSecond),
    ...[row.p99Us, row.serverCpuUs, row.clientCpuUs].map(micros),
  ]);
  return [headings, headings.map(() => "---:"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

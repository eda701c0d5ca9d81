import type { Cores } from "./pinning.ts";
import { startWorker, type Worker } from "./process.ts";
import { count, micros } from "./table.ts";

/** What a call of trunkline costs with so many endpoints, or so many calls in flight. */
export interface ScaleRow {
  readonly endpoints: number;
  readonly inFlight: number;
  readonly callsPerSecond: number;
  readonly p99Us: number;
  readonly serverCpuUs: number;
  readonly clientCpuUs: number;
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
  for (const shape of [...spread, ...deep]) {
    options.progress(`${shape.endpoints} endpoints, ${shape.inFlight} calls in flight`);
    await client.ask("spread", { port, endpoints: shape.endpoints });
    rows.push({ ...shape, ...(await drive(server, client, shape.inFlight, options)) });
    await client.ask("disconnect", {});
  }
  await Promise.all([server.stop(), client.stop()]);
  return rows;
}

async function drive(server: Worker, client: Worker, inFlight: number, { warmupMs, roundMs }: ScaleOptions) {
  await client.ask("drive", { shape: "unary", inFlight, durationMs: warmupMs });
  const before = await server.ask("cpu", {});
  const { units, elapsedMs, p99Us, cpuUs } = await client.ask("drive", {
    shape: "unary",
    inFlight,
    durationMs: 3 * roundMs,
  });
  const after = await server.ask("cpu", {});
  const of = (value: number) => Number(value.toPrecision(4));
  return {
    callsPerSecond: of((1000 * units) / elapsedMs),
    p99Us: of(p99Us),
    serverCpuUs: of((after.cpuUs - before.cpuUs) / units),
    clientCpuUs: of(cpuUs / units),
  };
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

import type { ContenderName } from "./names.ts";
import { startWorker, type Worker } from "./process.ts";

/** What a contender holds in memory, in bytes, on the server and on the client. */
export interface MemoryRow {
  readonly contender: ContenderName;
  readonly connectionServerBytes: number;
  readonly connectionClientBytes: number;
  readonly callServerBytes: number;
  readonly callClientBytes: number;
  /** Resident memory through a long run of calls: after the first tenth, and at the end. */
  readonly growth: Growth | undefined;
  /** The same through many connections that are opened, make a call and are closed, one after the other. */
  readonly churn: Growth | undefined;
}

interface Growth {
  /** Calls, or connections. */
  readonly many: number;
  readonly early: Resident;
  readonly late: Resident;
}

interface Resident {
  readonly serverBytes: number;
  readonly clientBytes: number;
}

export interface MemoryOptions {
  readonly contenders: readonly ContenderName[];
  readonly connections: number;
  readonly calls: number;
  /** Calls of the long run; 0 leaves it out. */
  readonly growthCalls: number;
  /** The long run ends after so many milliseconds, however many calls that were. */
  readonly growthMs: number;
  /** Connections to open and close; 0 leaves it out. */
  readonly churnConnections: number;
  readonly progress: (text: string) => void;
}

export async function measureMemory(options: MemoryOptions): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const contender of options.contenders) {
    options.progress(`memory of ${contender}`);
    const flags = ["--expose-gc"];
    const server = await startWorker(contender, { flags, timeoutMs: 600_000 });
    const client = await startWorker(contender, { flags, timeoutMs: 600_000 });
    const { port } = await server.ask("serve", { tls: false });
    rows.push({
      contender,
      ...(await connectionBytes(server, client, port, options.connections)),
      ...(await callBytes(server, client, port, options.calls)),
      growth: options.growthCalls === 0 ? undefined : await growth(server, client, port, options),
      churn: options.churnConnections === 0 ? undefined : await churn(server, client, port, options.churnConnections),
    });
    await Promise.all([server.stop(), client.stop()]);
  }
  return rows;
}

/** What changes when `change` happens, divided by how many. */
async function difference(server: Worker, client: Worker, many: number, change: () => Promise<unknown>) {
  const before = [await server.ask("memory", {}), await client.ask("memory", {})] as const;
  await change();
  const after = [await server.ask("memory", {}), await client.ask("memory", {})] as const;
  const each = (i: 0 | 1) => Math.round((after[i].used - before[i].used) / many);
  return { server: each(0), client: each(1) };
}

async function connectionBytes(server: Worker, client: Worker, port: number, connections: number) {
  const connect = (many: number) => client.ask("connect", { port, tls: false, connections: many, inFlight: 1 });
  // What the first connections load stays.
  await connect(10);
  const { server: s, client: c } = await difference(server, client, connections, () => connect(connections));
  await client.ask("disconnect", {});
  return { connectionServerBytes: s, connectionClientBytes: c };
}

async function callBytes(server: Worker, client: Worker, port: number, calls: number) {
  await client.ask("connect", { port, tls: false, connections: 1, inFlight: calls });
  const park = () => client.ask("park", { calls });
  await park();
  await client.ask("release", {});
  const { server: s, client: c } = await difference(server, client, calls, park);
  await client.ask("release", {});
  await client.ask("disconnect", {});
  return { callServerBytes: s, callClientBytes: c };
}

async function growth(server: Worker, client: Worker, port: number, options: MemoryOptions): Promise<Growth> {
  await client.ask("connect", { port, tls: false, connections: 1, inFlight: 64 });
  let calls = 0;
  const began = performance.now();
  const until = async (share: number): Promise<Resident> => {
    while (calls < options.growthCalls * share && performance.now() - began < options.growthMs * share) {
      const { units } = await client.ask("drive", { shape: "unary", inFlight: 64, durationMs: 2000 });
      calls += units;
    }
    return resident(server, client);
  };
  const early = await until(0.1);
  const late = await until(1);
  await client.ask("disconnect", {});
  return { many: calls, early, late };
}

async function churn(server: Worker, client: Worker, port: number, connections: number): Promise<Growth> {
  const first = Math.round(connections / 10);
  await client.ask("churn", { port, connections: first });
  const early = await resident(server, client);
  await client.ask("churn", { port, connections: connections - first });
  return { many: connections, early, late: await resident(server, client) };
}

async function resident(server: Worker, client: Worker): Promise<Resident> {
  const held = [await server.ask("memory", {}), await client.ask("memory", {})] as const;
  return { serverBytes: held[0].rss, clientBytes: held[1].rss };
}

export function memoryTable(rows: readonly MemoryRow[]): string {
  return rows
    .map((row) => {
      const { growth, churn } = row;
      const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
      return [
        row.contender,
        `  a connection: server ${kilobytes(row.connectionServerBytes)}, client ${kilobytes(row.connectionClientBytes)}`,
        `  a call in flight: server ${row.callServerBytes} B, client ${row.callClientBytes} B`,
        ...(growth === undefined ? [] : [through(growth, "calls")]),
        ...(churn === undefined ? [] : [through(churn, "connections, opened and closed")]),
      ].join("\n");
    })
    .join("\n");
}

function through({ many, early, late }: Growth, what: string): string {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  return (
    `  resident through ${many.toLocaleString("en-US")} ${what}: ` +
    `server ${megabytes(early.serverBytes)} to ${megabytes(late.serverBytes)}, ` +
    `client ${megabytes(early.clientBytes)} to ${megabytes(late.clientBytes)}`
  );
}

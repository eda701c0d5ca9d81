import { mkdirSync, writeFileSync } from "node:fs";
import { type ChangesRow, changesTable } from "./changes.ts";
import { chart } from "./chart.ts";
import { type MemoryRow, memoryTable } from "./memory.ts";
import type { Meta } from "./meta.ts";
import type { Row } from "./run.ts";
import { type ScaleRow, scaleTable } from "./scale.ts";
import { allShapes } from "./shapes.ts";
import { summary } from "./summary.ts";
import { markdownTables } from "./table.ts";

const docs = new URL("../../docs/", import.meta.url);

/** What is measured apart from the contenders' shapes. */
export interface Apart {
  readonly memory: readonly MemoryRow[];
  readonly scale: readonly ScaleRow[];
  readonly changes: readonly ChangesRow[];
}

/** Writes docs/performance.md and its chart. */
export function writeReport(meta: Meta, rows: readonly Row[], apart: Apart): void {
  mkdirSync(docs, { recursive: true });
  writeFileSync(new URL("performance.svg", docs), chart(rows));
  writeFileSync(new URL("performance.md", docs), report(meta, rows, apart));
}

function report(meta: Meta, rows: readonly Row[], { memory, scale, changes }: Apart): string {
  const versions = Object.entries(meta.versions).map(([name, version]) => `${name} ${version}`);
  const shapes = new Map(allShapes.map(({ name, about }) => [name, about]));
  const where = meta.pinned
    ? `server on core ${meta.pinned.server}, client on core ${meta.pinned.client}`
    : "server and client on any core";
  return `# Performance

Written by \`npm run bench\` on ${meta.date.slice(0, 10)}. Node ${meta.node.slice(1)}; ${versions.join(", ")}.
${meta.machine}; ${where}, over the loopback. Medians of ${meta.rounds} rounds of ${meta.roundMs} ms, the rounds of all
contenders in turn. Compare only within one run: another machine, or the same one with more to do, gives other figures.

${summary(rows)}

![Calls a second, contender by contender](performance.svg)

## Where the rest goes

By profiles (\`npm run bench -- --profile DIR\`, and \`perf\`):

- One call at a time, and handlers that take 1 to 10 ms: nearly every call has a turn of the event loop for itself on either
  side. The system's socket and Node's event loop cost what \`raw-socket\` costs, which no transport on \`node:net\` can
  fall below.
- Streams of 64 KiB, and calls of 1 MiB: what a user may keep must be new memory, and V8 looks through its whole heap for
  each 64 MiB of it: a third of the client's time. The raw socket's client pays the same. The rest is the system's
  copying, and one copy of ours on either side.
- Streams of 100 bytes: on the server an async generator (about 130 ns a message), on the client the message and its
  array (110 ns) and the reader's \`for await\` (50 ns).

## Who is compared

- \`trunkline\`: as \`createChannel({ registry })\` makes it, with a registry, round robin, a circuit breaker, retry and a
  deadline on every call; typed client, async handlers.
- \`trunkline-bare\`: one endpoint, without breaker, retry and deadline.
- \`grpc-js\`: bare \`@grpc/grpc-js\`, with the same messages (ts-proto). The measure of the column "x grpc-js".
- \`nice-grpc\`: the same beneath, with promises and async iterables.
- \`connect-node\`: Connect over HTTP/2 by the gRPC protocol, with protobuf-es.
- \`node-http2\`: \`node:http2\` with gRPC's frames by hand and windows of 16 MiB.
- \`moleculer\`: its TCP transport, JSON.
- \`fastify-undici\`: JSON over HTTP/1.1, a connection for each call in flight.
- \`raw-socket\`: frames of a length and a number, those of a turn in one write. What a socket can do at most, unless it
  writes before the turn is over, as \`trunkline\` does: the measure of the column "of raw".

## What is measured

${[...shapes].map(([name, about]) => `- \`${name}\`: ${about}.`).join("\n")}

For streams, "a second" and the processor time are of messages, p50 and p99 of whole streams. Processor time is what the
system charged to the process, server and client each, divided by calls.

## Figures

${markdownTables(rows)}
${scale.length === 0 ? "" : scaleSection(scale)}${changes.length === 0 ? "" : changesSection(changes)}${memory.length === 0 ? "" : memorySection(memory)}`;
}

function scaleSection(rows: readonly ScaleRow[]): string {
  return `
## Scale

\`trunkline\` with a call in flight for each of its endpoints, which are loopback addresses of one server process with a
connection each; then with one endpoint and ever more calls, of which a server takes 1,000 at a time on a connection and
the client queues the rest.

${scaleTable(rows)}
`;
}

function changesSection(rows: readonly ChangesRow[]): string {
  const [{ endpoints }] = rows as [ChangesRow];
  return `
## Endpoints that change

A channel with ${endpoints.toLocaleString("en-US")} endpoints, which are loopback addresses of one server process, that makes a call every
few milliseconds while one endpoint after the other says another weight, goes or comes back. The registry is a resolver in
the client's own process, whose work counts too, or the embedded one in another. Of a core: the client's process,
connections that are made and closed included.

${changesTable(rows)}
`;
}

function memorySection(rows: readonly MemoryRow[]): string {
  return `
## Memory

Of the JavaScript heap and what it refers to, after garbage collection: 500 connections that have made a call, and 900
calls that wait in their handlers. Resident memory of the whole process, after a tenth and at the end of a long run with
64 calls in flight, and of connections that are opened, make a call and are closed.

\`\`\`
${memoryTable(rows)}
\`\`\`
`;
}

// npm run bench: see harness/options.ts, or --help.
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type ChangesRow, changesTable, measureChanges } from "./harness/changes.ts";
import { installContenders } from "./harness/install.ts";
import { type MemoryRow, measureMemory, memoryTable } from "./harness/memory.ts";
import { describeRun } from "./harness/meta.ts";
import { withMemory } from "./harness/names.ts";
import { help, type Options, parseOptions, UsageError } from "./harness/options.ts";
import { type Cores, chooseCores } from "./harness/pinning.ts";
import { killWorkers } from "./harness/process.ts";
import { writeReport } from "./harness/report.ts";
import { run } from "./harness/run.ts";
import { measureScale, scaleTable } from "./harness/scale.ts";
import { summary } from "./harness/summary.ts";
import { plainTable } from "./harness/table.ts";

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main(options: Options): Promise<number> {
  if (options.json !== undefined) accessSync(dirname(resolve(options.json)), constants.W_OK);
  installContenders(options.contenders);
  const cores = chooseCores();
  if (cores === undefined) say("no core of their own for server and client here: figures will vary more");
  const meta = describeRun({ ...options, cores });
  const apart = options.memory || options.scale || options.changes;
  const measured = apart ? { rows: [], failures: 0 } : await run({ ...options, cores, progress: say });
  const { rows, failures } = measured;
  if (rows.length > 0) process.stdout.write(`${plainTable(rows)}\n\n${summary(rows)}\n`);
  const memory = options.memory || options.docs ? await memoryOf(options) : [];
  if (memory.length > 0) process.stdout.write(`${memoryTable(memory)}\n`);
  const scale = options.scale || options.docs ? await measureScale({ ...options, cores, progress: say }) : [];
  if (scale.length > 0) process.stdout.write(`${scaleTable(scale)}\n`);
  const changes = options.changes || options.docs ? await changesOf(options, cores) : [];
  if (changes.length > 0) process.stdout.write(`${changesTable(changes)}\n`);
  const apartRows = Object.entries({ memory, scale, changes }).filter(([, those]) => those.length > 0);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ meta, rows, ...Object.fromEntries(apartRows) }, undefined, 2)}\n`);
  }
  if (options.docs) writeReport(meta, rows, { memory, scale, changes });
  return failures === 0 ? 0 : 1;
}

function memoryOf({ contenders }: Options): Promise<MemoryRow[]> {
  return measureMemory({
    contenders: contenders.filter((name) => withMemory.includes(name)),
    connections: 500,
    // A server takes 1,000 at a time on a connection by default.
    calls: 900,
    growthCalls: 10_000_000,
    growthMs: 300_000,
    churnConnections: 20_000,
    progress: say,
  });
}

function changesOf({ roundMs }: Options, cores: Cores | undefined): Promise<ChangesRow[]> {
  return measureChanges({ durationMs: 30 * roundMs, cores, progress: say });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    killWorkers();
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(help);
  else process.exitCode = await main(options);
} catch (error) {
  killWorkers();
  const { message } = error as Error;
  say(error instanceof UsageError ? `${message}\nnpm run bench -- --help tells the options` : message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

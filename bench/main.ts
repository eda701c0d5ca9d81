// npm run bench: see harness/options.ts, or --help.
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { installContenders } from "./harness/install.ts";
import { measureMemory, memoryTable } from "./harness/memory.ts";
import { describeRun } from "./harness/meta.ts";
import { help, type Options, parseOptions, UsageError } from "./harness/options.ts";
import { chooseCores } from "./harness/pinning.ts";
import { killWorkers } from "./harness/process.ts";
import { writeReport } from "./harness/report.ts";
import { run } from "./harness/run.ts";
import { plainTable } from "./harness/table.ts";

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main(options: Options): Promise<number> {
  if (options.json !== undefined) accessSync(dirname(resolve(options.json)), constants.W_OK);
  installContenders(options.contenders);
  const cores = chooseCores();
  if (cores === undefined) say("no core of their own for server and client here: figures will vary more");
  if (options.memory) return memory(options);
  const meta = describeRun({ ...options, cores });
  const { rows, failures } = await run({ ...options, cores, progress: say });
  process.stdout.write(`${plainTable(rows)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ meta, rows }, undefined, 2)}\n`);
  if (options.docs) writeReport(meta, rows);
  return failures === 0 ? 0 : 1;
}

async function memory({ contenders, json }: Options): Promise<number> {
  // A server takes 1,000 calls at a time on a connection by default.
  const amounts = { connections: 500, calls: 900, growthCalls: 10_000_000 };
  const rows = await measureMemory({ contenders, ...amounts, progress: say });
  process.stdout.write(`${memoryTable(rows)}\n`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ memory: rows }, undefined, 2)}\n`);
  return 0;
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

// `npm run test:faults`: real processes, a real etcd of three nodes, a steady load, one fault at a time.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { endAll } from "./fleet.ts";
import { loopFaults } from "./loop-faults.ts";
import type { LoadReport } from "./protocol.ts";
import { registryFaults } from "./registry-faults.ts";
import type { Promised, Scenario } from "./scenario.ts";
import { serverFaults } from "./server-faults.ts";
import { markdown, type Row, table } from "./table.ts";

export const scenarios: readonly Scenario[] = [...serverFaults, ...registryFaults, ...loopFaults];

const usage = `usage: npm run test:faults -- [--only NAME,…] [--short] [--json FILE] [--list]
  --only   these scenarios
  --short  those that npm test runs
  --json   write { rows: […] } to a file
  --list   name the scenarios
Without --only and --short the table is written to docs/faults.md.`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string" },
        short: { type: "boolean" },
        json: { type: "string" },
        list: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    return values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

const { only, short, json, list, help } = options();
if (help) {
  console.log(usage);
  process.exit(0);
}
if (list) {
  for (const { name, what } of scenarios) console.log(`${name.padEnd(20)} ${what}`);
  process.exit(0);
}
const names = only?.split(",");
const unknown = names?.filter((name) => !scenarios.some((each) => each.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(", ")}; --list names them`);
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void endAll().then(() => process.exit(130)));

const rows: Row[] = [];
for (const scenario of scenarios) {
  if (names !== undefined ? !names.includes(scenario.name) : short === true && scenario.short !== true) continue;
  console.log(`${scenario.name}: ${scenario.what}`);
  rows.push(await rowOf(scenario));
  console.log(table(rows.slice(-1), { head: false }));
}
console.log(`\n${table(rows)}`);
if (json !== undefined)
  writeFileSync(json, `${JSON.stringify({ rows: rows.map(({ what: _, ...row }) => row) }, null, 2)}\n`);
if (only === undefined && short !== true)
  writeFileSync(new URL("../../docs/faults.md", import.meta.url), markdown(rows));
const failed = rows.filter(({ ok }) => !ok).length;
console.log(`${rows.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function rowOf({ name, what, promised, run }: Scenario): Promise<Row> {
  try {
    const report = await run();
    const ok = kept(report, promised);
    for (const [failure, times] of Object.entries(report.failures)) console.log(`    ${times} x ${failure}`);
    const { calls, idempotentLost, otherLost, longestGapMs, recoverMs } = report;
    const amplification = Math.round((report.attempts / report.calls) * 100) / 100;
    return { scenario: name, what, calls, idempotentLost, otherLost, longestGapMs, recoverMs, amplification, ok };
  } catch (error) {
    console.error(`    ${(error as Error).message}`);
    await endAll();
    const nothing = { calls: 0, idempotentLost: 0, otherLost: 0, longestGapMs: 0, recoverMs: 0, amplification: 0 };
    return { scenario: name, what, ...nothing, ok: false };
  }
}

function kept(
  report: LoadReport,
  { idempotentLost = 0, otherLost = 0, amplification = Number.POSITIVE_INFINITY }: Promised,
): boolean {
  return (
    report.calls > 0 &&
    report.idempotentLost <= idempotentLost &&
    report.otherLost <= otherLost &&
    report.attempts / report.calls <= amplification
  );
}

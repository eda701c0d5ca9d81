// `npm run test:faults`: real processes, a real etcd of three nodes, a steady load, one fault at a time.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { connectionFaults } from "./connection-faults.ts";
import { useCurrentEtcd } from "./current-etcd.ts";
import { loopFaults } from "./loop-faults.ts";
import { memoryFaults } from "./memory-faults.ts";
import { registryFaults } from "./registry-faults.ts";
import { runScenario } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";
import { serverFaults } from "./server-faults.ts";
import { markdown, type Row, table } from "./table.ts";

const scenarios: readonly Scenario[] = [
  ...serverFaults,
  ...connectionFaults,
  ...registryFaults,
  ...loopFaults,
  ...memoryFaults,
];

const usage = `usage: npm run test:faults -- [--only NAME,…] [--short] [--etcd current] [--json FILE] [--list]
  --only   these scenarios
  --short  those that npm test runs
  --etcd   "current": not the etcd on PATH but a release of today, which Go builds
  --json   write { rows: […] } to a file
  --list   name the scenarios
Without --only and --short the table is written to docs/faults.md, in the section of that etcd.`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string" },
        short: { type: "boolean" },
        etcd: { type: "string" },
        json: { type: "string" },
        list: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    return values;
  } catch (error) {
    return refused((error as Error).message);
  }
}

function refused(why: string): never {
  console.error(`${why}\n${usage}`);
  process.exit(2);
}

function chosen({ only, short }: ReturnType<typeof options>): readonly Scenario[] {
  const names = only?.split(",");
  const unknown = names?.filter((name) => !scenarios.some((each) => each.name === name)) ?? [];
  if (unknown.length > 0) refused(`no scenario ${unknown.join(", ")}; --list names them`);
  if (names !== undefined) return scenarios.filter(({ name }) => names.includes(name));
  return short === true ? scenarios.filter((each) => each.short === true) : scenarios;
}

const asked = options();
if (asked.help) {
  console.log(usage);
  process.exit(0);
}
if (asked.list) {
  for (const { name, what } of scenarios) console.log(`${name.padEnd(20)} ${what}`);
  process.exit(0);
}
if (asked.etcd !== undefined && asked.etcd !== "current") refused('--etcd takes "current", and nothing else');
if (asked.etcd === "current") useCurrentEtcd();
// What is left of a scenario then is ended by its guards: `test/support/guard.ts`.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    console.error(`ended by ${signal}`);
    process.exit(130);
  });
}
// One scenario's trouble fails that scenario (`run-scenario.ts`), and never ends the suite.
process.on("uncaughtException", () => {});

const rows: Row[] = [];
for (const scenario of chosen(asked)) {
  console.log(`${scenario.name}: ${scenario.what}`);
  rows.push(await runScenario(scenario));
  console.log(table(rows.slice(-1), { head: false }));
}
console.log(`\n${table(rows)}`);
if (asked.json !== undefined) {
  const plain = rows.map(({ what: _what, note: _note, ...row }) => row);
  writeFileSync(asked.json, `${JSON.stringify({ rows: plain }, null, 2)}\n`);
}
if (asked.only === undefined && asked.short !== true) {
  const file = new URL("../../docs/faults.md", import.meta.url);
  writeFileSync(file, markdown(rows, readFileSync(file, "utf8")));
}
const failed = rows.filter(({ ok }) => !ok).length;
console.log(`${rows.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

// Runs Trunkline against the programs of others and prints one table: npm run test:interop -- --help
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/program.ts";
import { parseOptions, UsageError, usage } from "./options.ts";
import { stopAll } from "./processes.ts";
import type { Row, Suite } from "./row.ts";
import { conformance } from "./suites/conformance.ts";
import { dialectSuites } from "./suites/dialects.ts";
import { greeterSuites } from "./suites/greeter.ts";
import { grpcCases } from "./suites/grpc-cases.ts";
import { h2spec } from "./suites/h2spec.ts";
import { health, reflection, serviceConfig } from "./suites/tools.ts";
import { plainTable, writeInto } from "./table.ts";
import { Missing } from "./toolchain.ts";

const suites: readonly Suite[] = [
  conformance,
  grpcCases,
  h2spec,
  ...greeterSuites,
  ...dialectSuites,
  serviceConfig,
  health,
  reflection,
];

process.env.PATH = `${join(repository, "node_modules/.bin")}:${process.env.PATH}`;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void stopAll().finally(() => process.exit(130)));
}

try {
  const names = suites.map(({ name }) => name);
  const options = parseOptions(process.argv.slice(2), names);
  if (options.help) {
    const width = Math.max(...names.map(({ length }) => length));
    console.log(usage + suites.map(({ name, what }) => `  ${name.padEnd(width)}   ${what}`).join("\n"));
  } else {
    const chosen = suites.filter(({ name }) => options.only?.includes(name) ?? true);
    const rows = await runAll(chosen);
    console.log(`\n${plainTable(rows)}\n`);
    if (options.json) writeFileSync(options.json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
    if (options.write) writeInto(join(repository, "docs/interop.md"), rows);
    const sum = (count: (row: Row) => number) => rows.reduce((total, row) => total + count(row), 0);
    const failed = sum((row) => row.failed);
    console.log(`${sum((row) => row.passed)} passed, ${failed} failed, ${sum((row) => row.skipped)} skipped`);
    if (failed > 0) process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
} finally {
  await stopAll();
}

async function runAll(chosen: readonly Suite[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const suite of chosen) {
    console.error(`${suite.name}: ${suite.what}`);
    const startedAt = performance.now();
    try {
      for await (const row of suite.run()) {
        rows.push(row);
        const { direction, transport, passed, failed, skipped } = row;
        console.error(`  ${direction}, ${transport}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
      }
    } catch (error) {
      rows.push(withoutRun(suite, error as Error));
      console.error(`  ${(error as Error).message}`);
    } finally {
      await stopAll();
    }
    console.error(`  ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  }
  return rows;
}

/** What is missing is skipped, but in CI nothing may be missing; everything else is a failure. */
function withoutRun({ name }: Suite, error: Error): Row {
  const lacking = error instanceof Missing && process.env.CI !== "true";
  return {
    ...{ suite: name, peer: "-", version: "-", direction: "-", transport: "-", passed: 0 },
    failed: lacking ? 0 : 1,
    skipped: lacking ? 1 : 0,
    ...(lacking ? { reason: error.message } : { failures: [error.message] }),
  };
}

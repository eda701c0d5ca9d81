import { endAll } from "./fleet.ts";
import type { LoadReport } from "./protocol.ts";
import type { Promised, Scenario } from "./scenario.ts";
import type { Row } from "./table.ts";

/** Nothing in the suite takes as long; what does hangs. */
const longestMs = 180_000;

/** Runs a scenario and tells what it came to, whatever happens in it. */
export async function runScenario({ name, what, promised, run }: Scenario): Promise<Row> {
  const broken: string[] = [];
  const expect = (holds: boolean, otherwise: string): void => {
    if (!holds) broken.push(otherwise);
  };
  const uncaught = (error: unknown): void => void broken.push(`uncaught: ${(error as Error).stack}`);
  process.on("uncaughtException", uncaught);
  const work = run(expect);
  let report: LoadReport | undefined;
  try {
    report = await within(longestMs, work);
    for (const [failure, times] of Object.entries(report.failures)) console.log(`    ${times} x ${failure}`);
    if (report.note !== undefined) console.log(`    ${report.note}`);
    broken.push(...brokenPromises(report, promised));
  } catch (error) {
    broken.push(`${(error as Error).stack}`);
    await endAll();
    // Without its processes it ends as well, and must not do so in the midst of the next one.
    await within(longestMs, work).catch(() => {});
  }
  process.off("uncaughtException", uncaught);
  for (const each of broken) console.log(`    NOT KEPT: ${each}`);
  return row(name, what, report, broken.length === 0);
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function brokenPromises(report: LoadReport, promised: Promised): string[] {
  const { idempotentLost = 0, otherLost = 0, amplification = Number.POSITIVE_INFINITY } = promised;
  return [
    ...(report.succeeded > 0 ? [] : ["no call succeeded"]),
    ...(report.idempotentLost <= idempotentLost ? [] : [`idempotent calls lost: at most ${idempotentLost}`]),
    ...(report.otherLost <= otherLost ? [] : [`others lost: at most ${otherLost}`]),
    ...(report.amplification <= amplification ? [] : [`amplification: at most ${amplification}`]),
  ];
}

function row(scenario: string, what: string, report: LoadReport | undefined, ok: boolean): Row {
  return {
    scenario,
    what,
    calls: report?.calls ?? 0,
    idempotentLost: report?.idempotentLost ?? 0,
    otherLost: report?.otherLost ?? 0,
    longestGapMs: report?.longestGapMs ?? 0,
    recoverMs: report?.recoverMs ?? 0,
    amplification: report?.amplification ?? 0,
    note: report?.note,
    ok,
  };
}

/** One line of the table: a suite against one peer, in one direction, over one of our transports. */
export interface Row {
  readonly suite: string;
  readonly peer: string;
  readonly version: string;
  /** Who calls whom. */
  readonly direction: string;
  readonly transport: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why something was skipped. */
  readonly reason?: string;
  /** What failed, case by case. */
  readonly failures?: readonly string[];
}

/** A part of the table that is run by itself. */
export interface Suite {
  readonly name: string;
  readonly what: string;
  run(): AsyncIterable<Row>;
}

export const transports = ["http2", "grpc-js"] as const;
export type TransportName = (typeof transports)[number];

export const toUs = (peer: string): string => `${peer} calls Trunkline`;
export const fromUs = (peer: string): string => `Trunkline calls ${peer}`;

type Facts = Omit<Row, "passed" | "failed" | "skipped" | "failures">;

/** A row from lines `NAME passed` and `NAME failed: WHY`. Fewer of them than `cases` is a failure too. */
export function rowOf(facts: Facts, output: string, cases: number): Row {
  const lines = output.split("\n");
  const passed = lines.filter((line) => line.endsWith(" passed")).length;
  const failures = lines.filter((line) => / failed: /.test(line));
  const missing = cases - passed - failures.length;
  if (missing > 0) failures.push(`${missing} of ${cases} cases never ended: ${output.slice(-300)}`);
  return { ...facts, passed, failed: failures.length, skipped: 0, failures };
}

/** A row from checks that are functions; one that throws has failed. */
export async function rowOfChecks(
  facts: Facts,
  checks: Readonly<Record<string, () => Promise<void> | void>>,
): Promise<Row> {
  const failures: string[] = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (error) {
      failures.push(`${name} failed: ${(error as Error).message}`);
    }
  }
  const all = Object.keys(checks).length;
  return { ...facts, passed: all - failures.length, failed: failures.length, skipped: 0, failures };
}

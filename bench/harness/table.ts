import type { Row } from "./run.ts";
import { describeShape } from "./shapes.ts";

const headings = ["", "a second", "x grpc-js", "of raw", "p50 us", "p99 us", "server us", "client us"] as const;

/** The rows of one shape, beside each other in one run. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

export function sections(rows: readonly Row[]): Section[] {
  const byTitle = new Map<string, Row[]>();
  for (const row of rows) {
    const title = describeShape(row.shape, row.inFlight, row.tls);
    byTitle.set(title, [...(byTitle.get(title) ?? []), row]);
  }
  return [...byTitle].map(([title, rows]) => ({ title, rows }));
}

/** How many times as fast as another contender of the same section; `undefined` where that was not measured. */
export function ratio(row: Row, against: Row["contender"], section: Section): number | undefined {
  const other = section.rows.find(({ contender }) => contender === against);
  return other && row.callsPerSecond / other.callsPerSecond;
}

/** A row's cells, as the headings say. */
export function cells(row: Row, section: Section): string[] {
  const times = ratio(row, "grpc-js", section);
  const share = ratio(row, "raw-socket", section);
  return [
    row.contender,
    count(row.callsPerSecond),
    times === undefined ? "-" : `${times.toPrecision(times < 10 ? 2 : 3)}x`,
    share === undefined ? "-" : `${(100 * share).toFixed(0)} %`,
    ...[row.p50Us, row.p99Us, row.serverCpuUs, row.clientCpuUs].map(micros),
  ];
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function micros(value: number): string {
  return value < 99.5 ? value.toPrecision(2) : count(value);
}

/** The table for a terminal. */
export function plainTable(rows: readonly Row[]): string {
  const lines = sections(rows).flatMap((section) => [
    [section.title],
    ...section.rows.map((row) => cells(row, section)),
  ]);
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...lines.filter((line) => line.length > 1).map((line) => line[i]?.length ?? 0)),
  );
  const line = (values: readonly string[]) =>
    values
      .map((value, i) => (i === 0 ? value.padEnd(widths[0] as number) : value.padStart(widths[i] as number)))
      .join("  ");
  return [line(headings), ...lines.map((each) => (each.length === 1 ? `\n${each[0]}` : line(each)))].join("\n");
}

/** The table in Markdown. */
export function markdownTables(rows: readonly Row[]): string {
  return sections(rows)
    .map((section) =>
      [
        `### ${section.title}`,
        "",
        `| ${["contender", ...headings.slice(1)].join(" | ")} |`,
        `| --- |${" ---: |".repeat(headings.length - 1)}`,
        ...section.rows.map((row) => `| ${cells(row, section).join(" | ")} |`),
      ].join("\n"),
    )
    .join("\n\n");
}

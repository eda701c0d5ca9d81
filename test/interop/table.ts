import { readFileSync, writeFileSync } from "node:fs";
import type { Row } from "./row.ts";

const headings = ["suite", "peer", "version", "direction", "transport", "passed", "failed", "skipped"] as const;

const cells = (row: Row): string[] => headings.map((heading) => `${row[heading]}`);

/** The table for a terminal, with what failed and why something was skipped below it. */
export function plainTable(rows: readonly Row[]): string {
  const lines = [[...headings], ...rows.map(cells)];
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const table = lines.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const reasons = [
    ...new Set(rows.flatMap(({ reason, skipped }) => (reason ? [`skipped: ${skipped} - ${reason}`] : []))),
  ];
  const failures = rows.flatMap((row) => (row.failures ?? []).map((each) => `${row.suite}, ${row.direction}: ${each}`));
  return [...table, "", ...reasons, ...failures].join("\n").trimEnd();
}

function markdownTable(rows: readonly Row[]): string {
  const line = (values: readonly string[]) => `| ${values.join(" | ")} |`;
  const dashes = headings.map((_, i) => (i < 5 ? "---" : "---:"));
  return [line(headings), line(dashes), ...rows.map((row) => line(cells(row)))].join("\n");
}

const mark = /(<!-- table -->\n)[\s\S]*(\n<!-- end of the table -->)/;

/** Puts the table into a page, between its two marks. */
export function writeInto(page: string, rows: readonly Row[]): void {
  const text = readFileSync(page, "utf8");
  const notes = [...new Set(rows.flatMap(({ reason }) => (reason ? [`Skipped: ${reason}.`] : [])))];
  const body = [markdownTable(rows), ...notes].join("\n\n");
  writeFileSync(
    page,
    text.replace(mark, (_, before: string, after: string) => `${before}${body}${after}`),
  );
}

import type { Row } from "./row.ts";

const headings = ["tree", "files", "messages", "services", "renamed", "refused", "warnings"];

/** The table for a terminal, with what was refused and what failed below it. */
export function plainTable(rows: readonly Row[]): string {
  const versions = [...new Set(rows.flatMap(({ compiled }) => [...compiled.keys()]))];
  const lines = [
    [...headings, ...versions.map((version) => `tsc ${version}`), "loaded, sent"],
    ...rows.map(({ tree, made, compiled, loaded }) => [
      tree,
      ...[made?.protos, made?.messages, made?.services, made?.renamed].map((count) => `${count ?? "-"}`),
      ...[made?.refused, made?.warnings].map((list) => `${list?.length ?? "-"}`),
      ...versions.map((version) => compiled.get(version) ?? "-"),
      loaded,
    ]),
  ];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? [];
  const table = lines.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const refused = rows.flatMap(({ tree, made }) => made?.refused.map((line) => `${tree}, refused: ${line}`) ?? []);
  const failed = rows.flatMap(({ tree, failures }) => failures.map((text) => `${tree}, failed: ${text}`));
  return [...table, ...refused, ...failed].join("\n");
}

import { execFileSync } from "node:child_process";
import { cpus, release } from "node:os";

export interface Row {
  readonly scenario: string;
  readonly what: string;
  readonly calls: number;
  readonly idempotentLost: number;
  readonly otherLost: number;
  readonly longestGapMs: number;
  readonly recoverMs: number;
  readonly amplification: number;
  readonly note: string | undefined;
  readonly ok: boolean;
}

const columns: readonly [title: string, of: (row: Row) => string][] = [
  ["scenario", (row) => row.scenario],
  ["calls", (row) => `${row.calls}`],
  ["idempotent lost", (row) => `${row.idempotentLost}`],
  ["others lost", (row) => `${row.otherLost}`],
  ["longest gap ms", (row) => `${row.longestGapMs}`],
  ["recovered ms", (row) => `${row.recoverMs}`],
  ["amplification", (row) => row.amplification.toFixed(2)],
  ["ok", (row) => (row.ok ? "ok" : "FAILED")],
];

export function table(rows: readonly Row[], { head = true }: { readonly head?: boolean } = {}): string {
  const cells = [
    ...(head ? [columns.map(([title]) => title)] : []),
    ...rows.map((row) => columns.map(([, of]) => of(row))),
  ];
  const widths = columns.map(([title], i) =>
    Math.max(i === 0 ? 20 : title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  return cells
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
    )
    .join("\n");
}

/** What stands above the tables in docs/faults.md. */
const head = `# Faults

Written by \`npm run test:faults\`, and \`npm run test:faults -- --etcd current\`. Servers, client and the three nodes of
etcd are processes of their own on one machine; 250 calls a second, half of them of a method that is declared idempotent.
"Others lost" are calls that may not be sent twice and were in flight where the fault struck. "Recovered" is from the
fault to the last call that failed; "amplification" is attempts per call in the worst five seconds. Where every server
fails, or five times the capacity is offered, calls are lost by design, and what is promised is in \`test/faults/\`: how
many attempts are made, how much is still done, how soon it is over.
`;

/**
 * docs/faults.md, with the section of the etcd that these rows were measured with.
 * @param before the file as it was: the sections of other releases stay
 */
export function markdown(rows: readonly Row[], before: string): string {
  const etcd = execFileSync("etcd", ["--version"], { encoding: "utf8" })
    .split("\n")[0]
    ?.replace(/^etcd Version: /, "");
  const title = `etcd ${etcd}`;
  const others = before.split(/^## /m).slice(1);
  const sections = [section(title, rows), ...others.filter((each) => !each.startsWith(`${title}\n`))];
  sections.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return [head, ...sections.map((each) => `## ${each.trimEnd()}\n`)].join("\n");
}

function section(title: string, rows: readonly Row[]): string {
  const titles = columns.slice(1).map(([title]) => title);
  const date = new Date().toISOString().slice(0, 10);
  return `${title}

On ${date}: Node ${process.version.slice(1)}, ${cpus().length} cores, Linux ${release()}.

| fault | ${titles.join(" | ")} |
|---|${titles.map(() => "---|").join("")}
${rows.map(line).join("\n")}
`;
}

function line(row: Row): string {
  const { what, note } = row;
  const cells = columns.slice(1).map(([, of]) => of(row));
  return `| ${[note === undefined ? what : `${what}; ${note}`, ...cells].join(" | ")} |`;
}

/** A question that the simulator answers with a table. */
export interface Section {
  readonly title: string;
  /** What was simulated, and what to see in it. */
  readonly about: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A section as Markdown. */
export function markdown({ title, about, columns, rows }: Section): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = line(columns.map((_, i) => (i === 0 ? "---" : "---:")));
  return [`## ${title}`, "", about, "", line(columns), rule, ...rows.map(line)].join("\n");
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(part > 0 && part < 0.001 ? 3 : 1)} %`;
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function times(value: number): string {
  return `${value.toFixed(2)}x`;
}

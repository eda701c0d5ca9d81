import type { Command, Flag, Flags } from "./command.ts";
import { helpFlag } from "./parse.ts";

/** What `trunkline --help` prints. */
export function generalHelp(commands: readonly { readonly name: string; readonly summary: string }[]): string {
  const rows = commands.map(({ name, summary }): [string, string] => [name, summary]);
  return [
    "Usage: trunkline <command> [flags]",
    "",
    "Commands:",
    ...columns(rows),
    "",
    "Flags:",
    ...columns([
      ["-h, --help", "Show this help; trunkline <command> --help shows a command's."],
      ["--version", "Show the version."],
    ]),
    "",
    "TRUNKLINE_REGISTRY names the registry where --registry does not: etcd://127.0.0.1:2379.",
  ].join("\n");
}

/** What `trunkline <command> --help` prints. */
export function commandHelp({ name, usage, description, flags, examples }: Command): string {
  return [
    `Usage: trunkline ${name} ${usage}`.trimEnd(),
    "",
    description,
    "",
    "Flags:",
    ...columns(flagRows({ ...flags, ...helpFlag })),
    "",
    "Examples:",
    ...examples.map((line) => `  ${line}`),
  ].join("\n");
}

function flagRows(flags: Flags): [string, string][] {
  return Object.entries(flags).map(([key, { short, value, summary, multiple }]: [string, Flag]) => {
    const names = `${short === undefined ? "" : `-${short}, `}--${key}`;
    return [value === undefined ? names : `${names} ${value}`, multiple ? `${summary} May be repeated.` : summary];
  });
}

function columns(rows: readonly [string, string][]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

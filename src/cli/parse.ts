import { parseArgs } from "node:util";
import type { Command, Flag, Flags, Parsed } from "./command.ts";
import { didYouMean } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

export const helpFlag: Flags = { help: { type: "boolean", short: "h", summary: "Show this help." } };

/** @throws UsageError that names the flag, and one that is close to it */
export function parse({ name, flags }: Command, args: readonly string[]): Parsed<Readonly<Record<string, unknown>>> {
  const options = Object.fromEntries(
    Object.entries({ ...flags, ...helpFlag }).map(([key, flag]) => [key, option(flag)]),
  );
  // Unknown flags are found here: the parser's own words for them are about programming, not about this command.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option" && !Object.hasOwn(options, token.name)) throw unknownFlag(name, token.rawName, flags);
  }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values, positionals };
  } catch (error) {
    throw new UsageError(`trunkline ${name}: ${(error as Error).message.replaceAll("\n", " ")}`);
  }
}

function option({ type, multiple, short }: Flag): { type: Flag["type"]; multiple?: boolean; short?: string } {
  return { type, ...(multiple && { multiple }), ...(short !== undefined && { short }) };
}

function unknownFlag(command: string, given: string, flags: Flags): UsageError {
  const known = Object.keys({ ...flags, ...helpFlag }).map((flag) => `--${flag}`);
  return new UsageError(`trunkline ${command} has no flag ${given}${didYouMean(given, known)}`);
}

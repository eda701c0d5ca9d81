import { parseArgs } from "node:util";

/** What is wrong with a command line, for the one who wrote it. */
export class UsageError extends Error {}

export interface Options {
  readonly only: readonly string[] | undefined;
  readonly json: string | undefined;
  readonly write: boolean;
  readonly help: boolean;
}

export const usage = `npm run test:interop -- [options]

Runs Trunkline against the programs of others, installs what that needs, and prints a table.

  --only NAME,...   only these suites
  --json FILE       write the table to a file too: { rows: [{ suite, peer, version, direction, transport, passed, failed, skipped }] }
  --write           write the table into docs/interop.md
  --help            this text

Suites:
`;

/** @throws UsageError */
export function parseOptions(argv: readonly string[], suites: readonly string[]): Options {
  const { values } = parse(argv);
  const only = values.only?.split(",");
  const unknown = only?.find((name) => !suites.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no suite "${unknown}"; there are ${suites.join(", ")}`);
  return { only, json: values.json, write: values.write ?? false, help: values.help ?? false };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: "string" },
        json: { type: "string" },
        write: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

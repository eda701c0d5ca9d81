import { parseArgs } from "node:util";
import { type ContenderName, contenderNames, quickNames, withMemory } from "./names.ts";
import { allShapes, quickShapes, type Shape } from "./shapes.ts";

export const help = `npm run bench -- [options]

Measures Trunkline beside other ways to call a server, each with a server and a client process of its own.

  --quick            the goal's shapes with ${quickNames.join(", ")}, in under 90 seconds
  --only NAME,...    only these contenders: ${contenderNames.join(", ")}
  --shape NAME,...   only these shapes: ${[...new Set(allShapes.map(({ name }) => name))].join(", ")}
  --in-flight N      only with so many calls in flight
  --tls, --plain     only with TLS, only without
  --rounds N         rounds to take the median of; 5 by default, 3 with --quick
  --round-ms N       milliseconds a round; 1000 by default, 700 with --quick
  --warmup-ms N      milliseconds of warm-up before the first round; 1500 by default, 700 with --quick
  --json FILE        write the figures to a file too
  --docs             write docs/performance.md and its chart; a run of everything does so anyway
  --profile DIR      leave a CPU profile of each process in a folder of its own
  --memory           measure the memory of trunkline and grpc-js instead: a connection, a call in flight, and growth
                     over 10 million calls, or five minutes, and over 20,000 connections
  --scale            measure trunkline with up to 1,000 endpoints and up to 10,000 calls in flight instead
  --changes          measure instead what a channel spends while its 5,000 endpoints change up to 500 times a second
  --help             this text
`;

export interface Options {
  readonly contenders: readonly ContenderName[];
  readonly shapes: readonly Shape[];
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmupMs: number;
  readonly json: string | undefined;
  readonly docs: boolean;
  readonly profile: string | undefined;
  readonly memory: boolean;
  readonly scale: boolean;
  readonly changes: boolean;
  readonly help: boolean;
}

/** What is wrong with a command line, for the one who wrote it. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parse(argv);
  const { quick = false, tls = false, plain = false, docs = false, memory = false, scale = false } = values;
  const { changes = false } = values;
  if (tls && plain) throw new UsageError("--tls and --plain leave nothing to measure; give one of them");
  const defaults = quick ? quickNames : contenderNames;
  const contenders = chosen("--only", values.only, contenderNames) ?? defaults;
  const shapeNames = [...new Set(allShapes.map(({ name }) => name))];
  const names = chosen("--shape", values.shape, shapeNames) ?? shapeNames;
  const inFlight = positive("--in-flight", values["in-flight"], 0);
  const shapes = (quick && !tls ? quickShapes : allShapes).filter(
    (shape) =>
      names.includes(shape.name) &&
      (!tls || shape.tls) &&
      (!plain || !shape.tls) &&
      (inFlight === 0 || shape.inFlight === inFlight),
  );
  if (memory && !contenders.some((name) => withMemory.includes(name))) {
    throw new UsageError(`--memory measures only ${withMemory.join(" and ")}`);
  }
  if ([memory, scale, changes].filter(Boolean).length > 1) {
    throw new UsageError("--memory, --scale and --changes are measured one at a time; give one of them");
  }
  if (shapes.length === 0) throw new UsageError("these options leave no shape to measure");
  return {
    contenders,
    shapes,
    rounds: positive("--rounds", values.rounds, quick ? 3 : 5),
    roundMs: positive("--round-ms", values["round-ms"], quick ? 700 : 1000),
    warmupMs: positive("--warmup-ms", values["warmup-ms"], quick ? 700 : 1500),
    json: values.json,
    docs:
      !memory &&
      !scale &&
      !changes &&
      (docs || (contenders.length === contenderNames.length && shapes.length === allShapes.length)),
    profile: values.profile,
    memory,
    scale,
    changes,
    help: values.help ?? false,
  };
}

function parse(argv: readonly string[]) {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        quick: flag,
        only: text,
        shape: text,
        tls: flag,
        plain: flag,
        "in-flight": text,
        rounds: text,
        "round-ms": text,
        "warmup-ms": text,
        json: text,
        docs: flag,
        profile: text,
        memory: flag,
        scale: flag,
        changes: flag,
        help: flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function chosen<T extends string>(option: string, list: string | undefined, all: readonly T[]): T[] | undefined {
  if (list === undefined) return undefined;
  const names = list.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!all.includes(name as T)) throw new UsageError(`${option}: "${name}" is none of ${all.join(", ")}`);
  }
  return all.filter((name) => names.includes(name));
}

function positive(option: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!Number.isInteger(value) || value <= 0) throw new UsageError(`${option}: "${given}" is no whole number above 0`);
  return value;
}

import type { Terminal } from "./terminal.ts";

/** One flag of a command. */
export interface Flag {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly short?: string;
  /** What stands for its value in the help: `FILE`. */
  readonly value?: string;
  readonly summary: string;
}

/** A flag with a value. */
export interface TextFlag extends Flag {
  readonly type: "string";
  readonly multiple?: false;
}

/** A flag that may be given several times, with a value each. */
export interface ListFlag extends Flag {
  readonly type: "string";
  readonly multiple: true;
}

/** A flag without a value. */
export interface Switch extends Flag {
  readonly type: "boolean";
}

export type Flags = Readonly<Record<string, Flag>>;

/** What was given for each flag. */
export type Values<F extends Flags> = {
  readonly [K in keyof F]?: F[K]["type"] extends "boolean"
    ? boolean
    : F[K]["multiple"] extends true
      ? readonly string[]
      : string;
};

/** A command line, taken apart. */
export interface Parsed<V> {
  readonly values: V;
  readonly positionals: readonly string[];
}

export interface Input<V> extends Parsed<V> {
  readonly terminal: Terminal;
  /** Aborts at Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

interface Definition<F extends Flags, V> {
  readonly name: string;
  /** The arguments as the help shows them: `<service>/<method>`. */
  readonly usage: string;
  readonly description: string;
  /** What its argument can be, where that is known; for shells that complete it. */
  readonly choices?: readonly string[];
  readonly flags: F;
  /** Lines that can be copied and run. */
  readonly examples: readonly string[];
  /**
   * @returns the exit code
   * @throws UsageError for a wrong command line, an Error with a message for the user otherwise
   */
  run(input: Input<V>): Promise<number>;
}

/** A subcommand. */
export type Command = Definition<Flags, Readonly<Record<string, unknown>>>;

/** Defines a subcommand; `run` sees its flags by their types. */
export function command<const F extends Flags>(definition: Definition<F, Values<F>>): Command {
  // The parser gives for each flag what the flag says: the one place where that is taken on trust.
  return definition as never;
}

import { Code, codeName } from "./code.ts";
import { whatIs } from "./what-is.ts";

/** What an option that is no number may be. */
export interface OptionKind {
  readonly fits: (value: unknown) => boolean;
  /** What to do, for the message: `give true or false`. */
  readonly remedy: string;
}

/** The kinds of the options of a type, of those that are looked at. */
export type OptionKinds<T> = { readonly [K in T extends unknown ? keyof T : never]?: OptionKind };

export const flag: OptionKind = { fits: (value) => typeof value === "boolean", remedy: "give true or false" };

/** Text that is not empty. */
export const text: OptionKind = {
  fits: (value) => typeof value === "string" && value !== "",
  remedy: "give text",
};

/** An AbortSignal, of whatever realm. */
export const abortSignal: OptionKind = {
  fits: (value) =>
    having(["addEventListener", "removeEventListener"], "").fits(value) && "aborted" in (value as object),
  remedy: "give an AbortSignal, such as AbortSignal.timeout(1_000)",
};

export const listOfText: OptionKind = {
  fits: (value) => Array.isArray(value) && value.every(text.fits),
  remedy: "give a list of texts",
};

export const logger: OptionKind = having(["debug", "info", "warn", "error"], "pino()");

/** The names of status codes, of which a policy may hold some. */
export const codeNames: OptionKind = {
  fits: (value) => Array.isArray(value) && value.every((each) => Object.hasOwn(Code, each)),
  remedy: `give a list of the names of codes: ["${codeName(Code.UNAVAILABLE)}"]`,
};

export function oneOf(...words: readonly string[]): OptionKind {
  return { fits: (value) => words.includes(value as string), remedy: `give ${words.join(" or ")}` };
}

/** A function, as `example` makes one. */
export function functionLike(example: string): OptionKind {
  return { fits: (value) => typeof value === "function", remedy: `give a function, such as ${example}` };
}

/** An object that has these methods, as `example` makes one. */
export function having(methods: readonly string[], example: string): OptionKind {
  return {
    fits: (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function"),
    remedy: `give an object with the functions ${methods.join(", ")}, such as ${example}`,
  };
}

/**
 * Looks at those of the options that have a kind and are given.
 * @throws TypeError that names the option, what it is and what it may be; never with its text, which may be a secret
 */
export function checkKinds<T extends object>(options: T, kinds: OptionKinds<T>, of = ""): void {
  for (const [name, kind] of Object.entries<OptionKind | undefined>(kinds)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined && kind !== undefined) checkKind(`${of}${name}`, value, kind);
  }
}

/** As `checkKinds`, of one that must be there. */
export function checkKind(name: string, value: unknown, { fits, remedy }: OptionKind): void {
  if (fits(value)) return;
  throw new TypeError(`${name} is ${whatIs(value)}: ${value instanceof Promise ? "await it" : remedy}`);
}

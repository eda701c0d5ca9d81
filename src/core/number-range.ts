/** What an option that is a number may be: from `least` to `most`, both among them. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
  /** True where `Infinity`, for no limit at all, may be given too. */
  readonly endless: boolean;
  /** True where it has no fractions. */
  readonly whole: boolean;
}

/** A whole number from `least`, with no limit where `Infinity` is given. */
export function atLeast(least: number): NumberRange {
  return { least, most: Number.MAX_SAFE_INTEGER, endless: true, whole: true };
}

export function between(least: number, most: number): NumberRange {
  return { least, most, endless: false, whole: true };
}

/** Any number from `least`, fractions among them; with `endless`, `Infinity` too. */
export function numberFrom(least: number, { most, endless }: Partial<NumberRange> = {}): NumberRange {
  return { least, most: most ?? Number.MAX_SAFE_INTEGER, endless: endless ?? false, whole: false };
}

/**
 * Looks at those of the options that have a range and are given.
 * @throws TypeError that names the option, what it is and what it may be
 */
export function checkRanges<T extends object>(options: T, ranges: { readonly [K in keyof T]?: NumberRange }): void {
  for (const name of Object.keys(ranges) as (keyof T & string)[]) {
    const value: unknown = options[name];
    const range = ranges[name];
    if (value !== undefined && range !== undefined) checkRange(name, value, range);
  }
}

function checkRange(name: string, value: unknown, { least, most, endless, whole }: NumberRange): void {
  if (endless && value === Number.POSITIVE_INFINITY) return;
  const fits = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (fits && (value as number) >= least && (value as number) <= most) return;
  const given = typeof value === "string" ? JSON.stringify(value) : String(value);
  const end = most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`;
  const unlimited = endless ? ", or Infinity for no limit" : "";
  throw new TypeError(`${name} is ${given}: give a ${whole ? "whole " : ""}number from ${least}${end}${unlimited}`);
}

import { LONGEST_TIMER_MS } from "../core/clock.ts";
import type { TextFlag } from "./command.ts";
import { UsageError } from "./usage-error.ts";

export function timeoutFlag(summary: string): TextFlag {
  return { type: "string", short: "t", value: "MS", summary };
}

/**
 * The milliseconds of `--timeout`, 0 for no limit; `undefined` where it is not given.
 * @throws UsageError for what is no time
 */
export function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeoutMs = text.trim() === "" ? Number.NaN : Number(text);
  if (!(timeoutMs >= 0 && timeoutMs <= LONGEST_TIMER_MS)) {
    throw new UsageError(`--timeout ${text}: give milliseconds, a number from 0 (no limit) to ${LONGEST_TIMER_MS}`);
  }
  return timeoutMs;
}

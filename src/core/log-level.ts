import type { Logger } from "./logger.ts";

/** The words that pino has for them. */
export const logLevels: readonly string[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

interface Overridden {
  /** What it was at before. */
  readonly own: string;
  readonly level: string;
}

/** Loggers whose level is operators' word now: a channel and a server may share one. */
const overridden = new WeakMap<Logger, Overridden>();

/**
 * Sets the level of a logger that has one, as pino's have, where operators say another than before; with `undefined` what
 * it was before the first such word. What somebody else sets meanwhile stands until then.
 */
export function overrideLevel(logger: Logger | undefined, level: string | undefined): void {
  const leveled = logger as (Logger & { level?: unknown }) | undefined;
  if (leveled === undefined || typeof leveled.level !== "string") return;
  const known = overridden.get(leveled);
  if (known?.level === level) return;
  const own = known?.own ?? leveled.level;
  if (level === undefined) overridden.delete(leveled);
  else overridden.set(leveled, { own, level });
  leveled.level = level ?? own;
}

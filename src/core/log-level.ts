import type { Logger } from "./logger.ts";

/** The words that pino has for them. */
export const logLevels: readonly string[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** What loggers were at before, whose level is another's word now: a channel and a server may share one. */
const before = new WeakMap<Logger, string>();

/** Sets the level of a logger that has one, as pino's have; with `undefined` to what it was before the first such word. */
export function overrideLevel(logger: Logger | undefined, level: string | undefined): void {
  const leveled = logger as (Logger & { level?: unknown }) | undefined;
  if (leveled === undefined || typeof leveled.level !== "string") return;
  const own = before.get(leveled);
  if (level === undefined && own === undefined) return;
  if (own === undefined) before.set(leveled, leveled.level);
  if (level === undefined) before.delete(leveled);
  leveled.level = level ?? own;
}

import type { Logger } from "../../src/core/logger.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what it is told. */
export interface Log extends Logger {
  readonly lines: readonly LogLine[];
  /** The lines of these levels; of warn and error by default. */
  of(...levels: readonly LogLine["level"][]): readonly LogLine[];
  /** Resolves when a line with this message has been logged, at once where it has. */
  until(message: string): Promise<void>;
}

export function createLog(): Log {
  const lines: LogLine[] = [];
  const waiting = new Map<string, () => void>();
  const at = (level: LogLine["level"]) => (fields: object, message: string) => {
    lines.push({ level, message, fields: fields as LogLine["fields"] });
    waiting.get(message)?.();
  };
  return {
    lines,
    of: (...levels) => lines.filter(({ level }) => (levels.length === 0 ? ["warn", "error"] : levels).includes(level)),
    async until(message) {
      if (lines.some((line) => line.message === message)) return;
      await new Promise<void>((resolve) => waiting.set(message, resolve));
    },
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

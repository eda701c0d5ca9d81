import { destination, type LevelWithSilent, type Logger, pino } from "pino";
import { RpcError } from "../core/rpc-error.ts";

/** `silent`, `fatal`, `error`, `warn`, `info`, `debug` or `trace`. */
export type LogLevel = LevelWithSilent;

/**
 * A pino logger as the command line and the examples use it: JSON lines on standard error, which leaves standard output
 * to what a program prints. Any other pino logger serves as well.
 * @param level the least that is written; `silent` by default
 */
export function createLogger(level: LogLevel = "silent"): Logger {
  return pino({ level, base: null, serializers: { err: inShort } }, destination({ dest: 2, sync: true }));
}

/** An RpcError by what it says; its details and metadata are the caller's. */
function inShort(error: unknown): unknown {
  if (!RpcError.is(error)) return pino.stdSerializers.err(error as Error);
  const { codeName: code, message, peer, stack, record } = error;
  return { type: "RpcError", code, message, peer, stack, record };
}

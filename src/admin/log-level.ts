import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";

/** What has a level that can be set: a pino logger. */
export interface Levelled {
  level: string;
}

export interface LogLevel {
  readonly level: string;
  /**
   * Returns the level before.
   * @throws RpcError INVALID_ARGUMENT for a level that there is not
   */
  set(level: string): string;
}

export function levelled(logger: Levelled): LogLevel {
  return {
    get level() {
      return logger.level;
    },
    set(level) {
      const before = logger.level;
      try {
        logger.level = level;
      } catch (error) {
        throw new RpcError(Code.INVALID_ARGUMENT, (error as Error).message);
      }
      return before;
    },
  };
}

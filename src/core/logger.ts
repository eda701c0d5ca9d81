type Log = (fields: object, message: string) => void;

/** Where Trunkline logs to. A pino logger is one. */
export interface Logger {
  readonly debug: Log;
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
}

const nothing: Log = () => {};

/** The library's default. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

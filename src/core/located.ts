import { lastRead } from "./last-read.ts";
import { shortened } from "./printable.ts";

/**
 * Does work on `value`, which is a message or JSON for one.
 * @throws TypeError for what does not fit, with where in `value` it stands: `items[3].price: …`
 */
export function located<V, R>(value: V, work: (value: V) => R): R {
  try {
    return work(value);
  } catch (cause) {
    throw misfit(cause, lastRead(value, work));
  }
}

/** The error of what does not fit, with where it stands. */
export function misfit(cause: unknown, path: string): TypeError {
  const why = shortened((cause as Error).message);
  return new TypeError(path === "" ? why : `${shortened(path)}: ${why}`, { cause });
}

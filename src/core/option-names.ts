import { closest } from "./closest.ts";
import { whatIs } from "./what-is.ts";

type KeyOf<T> = T extends unknown ? keyof T & string : never;

/** The names of the options of a type. The compiler says where one is missing, or there is one too many. */
export type OptionNames<T> = { readonly [K in KeyOf<T>]: true };

/**
 * Looks at the names of the options that are given: one that there is not would be passed over, as a mistyped one is.
 * @param of whose they are, for the message: `createChannel`, `policy.retry`
 * @param elsewhere options that look as if they stood here, and to whom they are given
 * @throws TypeError that names the option, and the one that was meant or those that there are
 */
export function checkNames<T extends object>(
  given: T,
  names: OptionNames<T>,
  of: string,
  elsewhere?: ReadonlyMap<string, string>,
): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(`the options of ${of} are ${whatIs(given)}: give an object`);
  }
  for (const name in given) if (!Object.hasOwn(names, name)) throw unknown(name, Object.keys(names), of, elsewhere);
}

function unknown(
  name: string,
  names: readonly string[],
  of: string,
  elsewhere: ReadonlyMap<string, string> | undefined,
): TypeError {
  const where = elsewhere?.get(name);
  const meant = closest(name, names) ?? names.find((each) => name !== "" && each.startsWith(name));
  const remedy = meant === undefined ? `there are ${names.join(", ")}` : `did you mean ${meant}?`;
  return new TypeError(
    `${of} has no option ${JSON.stringify(name)}: ${where === undefined ? remedy : `give it to ${where}`}`,
  );
}

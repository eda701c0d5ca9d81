import { shortened } from "../core/printable.ts";
import { someOf } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

/**
 * What a user means by a name: what is called exactly so, else the only one that is called so but for upper case, lower
 * case and `_`, in which TypeScript's names of methods differ from a contract's.
 * @throws UsageError with all of them where there is more than one
 */
export function meantBy<T>(given: string, all: readonly T[], nameOf: (each: T) => string): T | undefined {
  const exact = all.find((each) => nameOf(each) === given);
  if (exact !== undefined) return exact;
  const alike = all.filter((each) => plain(nameOf(each)) === plain(given));
  if (alike.length <= 1) return alike[0];
  throw new UsageError(`"${shortened(given)}" may be any of ${someOf(alike.map(nameOf))}: write it exactly so`);
}

function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

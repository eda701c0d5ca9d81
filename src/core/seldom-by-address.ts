import { now } from "./deadline.ts";
import { networkOf } from "./network.ts";
import { seldom } from "./seldom.ts";

/** Addresses that are told apart; there may be very many, and each costs memory. */
const MOST_ADDRESSES = 256;

/**
 * Says a thing of an address at most once in `everyMs` milliseconds, with the number of times that it was left unsaid
 * before: of one client that tries again and again there is a line, and of another that does so beside it, too. Where
 * there are very many addresses, those that come last share their lines.
 * @returns whether it was said
 */
export function seldomByAddress<F extends object>(
  everyMs: number,
  say: (fields: F & { readonly unsaid: number }) => void,
): (address: string | undefined, fields: F) => boolean {
  const tell = () => seldom<F>(everyMs, say);
  const others = tell();
  const byNetwork = new Map<string, (fields: F) => boolean>();
  let fullSinceMs = 0;
  return (address, fields) => {
    const network = address === undefined ? "" : networkOf(address);
    let one = byNetwork.get(network);
    if (one === undefined && byNetwork.size >= MOST_ADDRESSES && now() - fullSinceMs >= everyMs) byNetwork.clear();
    if (one === undefined && byNetwork.size < MOST_ADDRESSES) {
      one = tell();
      byNetwork.set(network, one);
      if (byNetwork.size === MOST_ADDRESSES) fullSinceMs = now();
    }
    return (one ?? others)(fields);
  };
}

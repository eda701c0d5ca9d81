import { batches } from "./batches.ts";
import { type EtcdWire, isTooLarge, type Stored, type WireRange } from "./wire.ts";

/** Keys of each range that are asked for before it is known how large they are. */
const firstLimit = 16;
const maxLimit = 5_000;
/** What a page is to have, in bytes, once that is known. */
const pageBytes = 4 * 1024 * 1024;

export interface Page {
  readonly clusterId: bigint;
  readonly revision: bigint;
  readonly stored: readonly Stored[];
}

interface Request {
  readonly ranges: readonly WireRange[];
  readonly limit: number;
}

/**
 * Everything in some ranges, at one revision, in pages that are never more than the wire takes: the next has as many keys
 * as by the last one fit in `pageBytes`, and a request whose answer is too large is made in parts. There is a page even
 * where there is no key.
 */
export async function* pages(wire: EtcdWire, ranges: readonly WireRange[]): AsyncGenerator<Page> {
  const requests: Request[] = batches(ranges).map((some) => ({ ranges: some, limit: firstLimit }));
  let revision = 0n;
  for (let request = requests.shift(); request !== undefined; request = requests.shift()) {
    const { ranges: asked, limit } = request;
    try {
      const answer = await wire.read({ ranges: asked, limit, revision });
      // That of the first: etcd says with each answer how far it is by now.
      if (revision === 0n) revision = answer.revision;
      const rest = answer.lists.flatMap(({ stored, more }, i) => (more ? remainder(asked[i], stored) : []));
      requests.unshift(...rest);
      const { clusterId, lists } = answer;
      yield { clusterId, revision, stored: lists.flatMap(({ stored }) => stored) };
    } catch (error) {
      const parts = isTooLarge(error) ? split(request) : [];
      if (parts.length === 0) throw error;
      requests.unshift(...parts);
    }
  }
}

function remainder(range: WireRange | undefined, stored: readonly Stored[]): Request[] {
  const last = stored.at(-1);
  if (range === undefined || last === undefined) return [];
  const bytes = stored.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  const fitting = Math.floor(pageBytes / (bytes / stored.length));
  const from = { key: Buffer.concat([last.key, Buffer.of(0)]), rangeEnd: range.rangeEnd };
  return [{ ranges: [from], limit: Math.min(Math.max(fitting, 1), maxLimit) }];
}

/** The same in smaller requests; none where it is one key already. */
function split({ ranges, limit }: Request): Request[] {
  if (ranges.length > 1) {
    const half = Math.ceil(ranges.length / 2);
    return [
      { ranges: ranges.slice(0, half), limit },
      { ranges: ranges.slice(half), limit },
    ];
  }
  return limit > 1 ? [{ ranges, limit: Math.ceil(limit / 16) }] : [];
}

import { BIGINT_BYTES, SHORT_BYTES_BYTES } from "./heap.ts";

// What V8's heap takes, in bytes, of what stands in a message.
const OBJECT_BYTES = 24;
const SLOT_BYTES = 8;
const LIST_BYTES = 32;
/** A list has room for half as much again as stands in it. */
const PLACE_BYTES = 12;
const MAP_BYTES = 184;
const ENTRY_BYTES = 48;
const TEXT_BYTES = 24;
/** More fields than this no message has, but a record: its keys are text that came, and it is a table. */
const MOST_FIELDS = 128;
const KEY_BYTES = 72;
/** A message takes no more than so many times its bytes, and what was counted of it besides. */
const MOST_TIMES = 12;
/** Deeper than any message is. */
const MOST_DEPTH = 110;

/**
 * What a decoded message takes of memory, in bytes, near enough to charge it: by what stands in it. It costs a part of
 * what decoding cost, and next to nothing for bytes, text and lists of numbers.
 * @param taken its bytes, as it came, and what was counted of it while it was decoded
 */
export function weightOf(message: unknown, taken: number): number {
  // A foreign codec's may hang together in circles.
  const most = MOST_TIMES * taken;
  try {
    return weigh(message, most, 0);
  } catch {
    // A getter of a foreign codec's.
    return most;
  }
}

function weigh(value: unknown, most: number, depth: number): number {
  if (typeof value === "string") return TEXT_BYTES + value.length;
  if (typeof value === "bigint") return BIGINT_BYTES;
  if (typeof value !== "object" || value === null || depth > MOST_DEPTH) return 0;
  if (value instanceof Uint8Array) return SHORT_BYTES_BYTES + value.length;
  if (Array.isArray(value)) return weighList(value, most, depth);
  if (value instanceof Map) return weighMap(value, most, depth);
  return weighFields(value as Readonly<Record<string, unknown>>, most, depth);
}

function weighFields(fields: Readonly<Record<string, unknown>>, most: number, depth: number): number {
  let sum = OBJECT_BYTES;
  let count = 0;
  for (const key in fields) {
    sum += SLOT_BYTES + weigh(fields[key], most - sum, depth + 1);
    if (++count > MOST_FIELDS) sum += KEY_BYTES;
    if (sum > most) break;
  }
  return sum;
}

function weighList(list: readonly unknown[], most: number, depth: number): number {
  let sum = LIST_BYTES + PLACE_BYTES * list.length;
  const first = typeof list[0];
  if (first === "number" || first === "boolean") return sum;
  for (const each of list) {
    sum += weigh(each, most - sum, depth + 1);
    if (sum > most) break;
  }
  return sum;
}

function weighMap(map: ReadonlyMap<unknown, unknown>, most: number, depth: number): number {
  let sum = MAP_BYTES + ENTRY_BYTES * map.size;
  for (const [key, each] of map) {
    sum += weigh(key, most, depth + 1) + weigh(each, most - sum, depth + 1);
    if (sum > most) break;
  }
  return sum;
}

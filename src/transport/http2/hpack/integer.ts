/** The largest integer that makes sense in a header block; every longer one is an attack or an error. */
const LARGEST = 0x7fffffff;

/** Where the integer that `readInteger` read last ends. */
export let integerEnd = 0;

/**
 * Reads an integer with a prefix of `bits` bits. RFC 7541, section 5.1. Leaves the end in `integerEnd`.
 * @returns -1 where it is cut short or larger than 31 bits
 */
export function readInteger(block: Buffer, start: number, end: number, bits: number): number {
  const most = (1 << bits) - 1;
  let value = (block[start] as number) & most;
  let at = start + 1;
  if (value < most) {
    integerEnd = at;
    return value;
  }
  for (let shift = 0; at < end && shift <= 28; shift += 7) {
    const byte = block[at++] as number;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      integerEnd = at;
      return value <= LARGEST ? value : -1;
    }
  }
  return -1;
}

/** Writes an integer behind the bits of `first` and returns where it ends. At most six bytes. */
export function writeInteger(into: Buffer, at: number, first: number, bits: number, value: number): number {
  const most = (1 << bits) - 1;
  if (value < most) {
    into[at] = first | value;
    return at + 1;
  }
  into[at] = first | most;
  let rest = value - most;
  let to = at + 1;
  while (rest >= 0x80) {
    into[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[to++] = rest;
  return to;
}

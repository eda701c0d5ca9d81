/**
 * HPACK's Huffman code. RFC 7541, appendix B. The code is canonical: codes of one length follow each other in the order
 * of their symbols, and shorter ones come first. So the lengths alone define it; symbol 256 is the end of the string.
 */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const END_OF_STRING = 256;

const codes = assignCodes();

function assignCodes(): Uint32Array {
  const assigned = new Uint32Array(codeLengths.length);
  let code = 0;
  for (let length = 5; length <= 30; length++) {
    code <<= 1;
    for (let symbol = 0; symbol < codeLengths.length; symbol++) {
      if (codeLengths[symbol] === length) assigned[symbol] = code++;
    }
  }
  return assigned;
}

// The decoder takes four bits a step. A step leads from an inner node of the code's tree to another and emits at most
// one symbol, since the shortest code has five bits. Entry: node << 9 | symbol, or NO_SYMBOL; -1 where no code leads.
const NO_SYMBOL = 511;
const { steps, maybeLast } = buildSteps();

function buildTree(): { children: number[]; depths: number[]; padding: boolean[] } {
  // children[2 * node + bit]: an inner node, or the complement of a symbol.
  const children = [0, 0];
  const depths = [0];
  const padding = [true];
  for (let symbol = 0; symbol < codeLengths.length; symbol++) {
    const length = codeLengths[symbol] as number;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const one = ((codes[symbol] as number) >>> bit) & 1;
      const edge = 2 * node + one;
      if (children[edge] === 0) {
        children[edge] = depths.length;
        depths.push((depths[node] as number) + 1);
        padding.push((padding[node] as boolean) && one === 1);
        children.push(0, 0);
      }
      node = children[edge] as number;
    }
    children[2 * node + ((codes[symbol] as number) & 1)] = ~symbol;
  }
  return { children, depths, padding };
}

function buildSteps(): { steps: Int32Array; maybeLast: Uint8Array } {
  const { children, depths, padding } = buildTree();
  const table = new Int32Array(depths.length * 16);
  for (let node = 0; node < depths.length; node++) {
    for (let nibble = 0; nibble < 16; nibble++) table[node * 16 + nibble] = step(children, node, nibble);
  }
  // A string may end in up to seven bits of padding, all ones: the beginning of the end's code.
  const last = Uint8Array.from(depths, (depth, node) => (padding[node] && depth < 8 ? 1 : 0));
  return { steps: table, maybeLast: last };
}

function step(children: readonly number[], from: number, nibble: number): number {
  let node = from;
  let symbol = NO_SYMBOL;
  for (let bit = 3; bit >= 0; bit--) {
    const next = children[2 * node + ((nibble >>> bit) & 1)] as number;
    if (next >= 0) {
      node = next;
      continue;
    }
    if (~next === END_OF_STRING) return -1;
    symbol = ~next;
    node = 0;
  }
  return (node << 9) | symbol;
}

let scratch = Buffer.allocUnsafeSlow(4096);

/** Decodes the bytes from `start` to `end`. `undefined` where they are no Huffman code. */
export function huffmanDecode(bytes: Buffer, start: number, end: number): string | undefined {
  // Five bits a symbol is the densest code.
  const most = ((end - start) * 8) / 5 + 1;
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most * 2);
  let size = 0;
  let node = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const entry = steps[node * 16 + ((byte >>> shift) & 15)] as number;
      if (entry < 0) return undefined;
      const symbol = entry & 511;
      if (symbol !== NO_SYMBOL) scratch[size++] = symbol;
      node = entry >> 9;
    }
  }
  return maybeLast[node] === 1 ? scratch.toString("latin1", 0, size) : undefined;
}

/** How many bytes `huffmanEncode` writes for a text of Latin-1. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += codeLengths[text.charCodeAt(i) & 0xff] as number;
  return (bits + 7) >>> 3;
}

/** Encodes a text of Latin-1 at `at` and returns where it ends. */
export function huffmanEncode(text: string, into: Buffer, at: number): number {
  let to = at;
  let pending = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    const length = codeLengths[symbol] as number;
    // Up to 7 bits wait, and a code has up to 30: more than 32 in all, so the arithmetic is not on 32 bits.
    pending = pending * 2 ** length + (codes[symbol] as number);
    bits += length;
    while (bits >= 8) {
      bits -= 8;
      const unit = 2 ** bits;
      into[to++] = Math.floor(pending / unit);
      pending %= unit;
    }
  }
  if (bits > 0) into[to++] = (pending << (8 - bits)) | (0xff >>> bits);
  return to;
}

import { isUtf8 } from "node:buffer";

/** Up to this length a loop in JavaScript reads ASCII faster than a call into native code does. */
const loopLength = 16;
/** For each such length the arguments of one call. */
const units: readonly number[][] = Array.from({ length: loopLength + 1 }, (_, length) => new Array(length).fill(0));
const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
};

/** The text of `bytes` from `start` to `end`; `undefined` where that is no UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= loopLength) {
    const codes = units[end - start] as number[];
    let i = start;
    for (; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte > 0x7f) break;
      codes[i - start] = byte;
    }
    if (i === end) return String.fromCharCode.apply(undefined, codes);
  }
  const text = utf8Slice.call(bytes, start, end);
  // What cannot be decoded becomes U+FFFD, which may also stand in the text itself.
  if (text.includes("\ufffd") && !isUtf8(bytes.subarray(start, end))) return undefined;
  return text;
}

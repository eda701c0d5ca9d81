import { isUtf8 } from "node:buffer";

/** Up to this length a loop in JavaScript reads ASCII faster than a call into native code does. */
const loopLength = 12;
const { latin1Slice, utf8Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
};

/** The text of `bytes` from `start` to `end`; `undefined` where that is no UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start;
  if (length <= loopLength) {
    let text = "";
    let i = start;
    for (; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte > 0x7f) break;
      text += String.fromCharCode(byte);
    }
    if (i === end) return text;
  } else if (length <= 48) {
    let union = 0;
    for (let i = start; i < end; i++) union |= bytes[i] as number;
    if (union <= 0x7f) return latin1Slice.call(bytes, start, end);
  }
  const text = utf8Slice.call(bytes, start, end);
  // What cannot be decoded becomes U+FFFD, which may also stand in the text itself.
  if (text.includes("\ufffd") && !isUtf8(bytes.subarray(start, end))) return undefined;
  return text;
}

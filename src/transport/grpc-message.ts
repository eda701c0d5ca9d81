const needsNoEscape = /^[\x20-\x24\x26-\x7e]*$/;
const utf8 = new TextEncoder();
const text = new TextDecoder();

/**
 * Percent-encodes a status message for `grpc-message`: UTF-8 bytes outside of printable ASCII, and `%` itself.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function escapeMessage(message: string): string {
  if (needsNoEscape.test(message)) return message;
  let escaped = "";
  for (const byte of utf8.encode(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    escaped += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}

/** The message in `grpc-message`. What is no valid escape stands as it is: an error is never lost over its wording. */
export function unescapeMessage(escaped: string): string {
  if (!escaped.includes("%")) return escaped;
  const raw = utf8.encode(escaped);
  const bytes = new Uint8Array(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i += 1) {
    const hex = raw[i] === 0x25 ? escapeAt(raw, i) : undefined;
    bytes[length] = hex ?? (raw[i] as number);
    if (hex !== undefined) i += 2;
    length += 1;
  }
  return text.decode(bytes.subarray(0, length));
}

function escapeAt(raw: Uint8Array, at: number): number | undefined {
  const high = digit(raw[at + 1]);
  const low = digit(raw[at + 2]);
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function digit(char = 0): number | undefined {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}

import type { MessageType } from "../../core/message.ts";

/** A message of no fields but one that nobody knows: number 536,870,911, the varint 0. */
const unknownField = Uint8Array.of(0xf8, 0xff, 0xff, 0xff, 0x0f, 0);
const known = new WeakMap<object, boolean>();

/**
 * Whether a type's `decode` reads with the reader that it is given. That of ts-proto does, unless it is bound to another
 * copy of `@bufbuild/protobuf`: then it takes the reader for bytes. Tried once for each type.
 */
export function readsWith(
  type: MessageType<unknown>,
  probe: (bytes: Uint8Array) => { readonly pos: number; readonly len: number },
): boolean {
  let answer = known.get(type);
  if (answer === undefined) {
    answer = tryWith(type, probe(unknownField));
    known.set(type, answer);
  }
  return answer;
}

function tryWith(type: MessageType<unknown>, reader: { readonly pos: number; readonly len: number }): boolean {
  try {
    type.decode(reader as never);
  } catch {
    return false;
  }
  return reader.pos === reader.len;
}

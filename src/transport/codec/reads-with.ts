import type { MessageType } from "../../core/message.ts";

/** A message of no fields but one that nobody knows: number 536,870,911, the varint 0. */
const unknownField = Uint8Array.of(0xf8, 0xff, 0xff, 0xff, 0x0f, 0);

/** How a type's `decode` reads. */
export interface Reading {
  /**
   * With the reader that it is given. ts-proto's does, unless it is bound to another copy of `@bufbuild/protobuf`: then
   * it takes the reader for bytes.
   */
  readonly takesReader: boolean;
  /** It keeps what the reader skips, as ts-proto's does where it is told `unknownFields=true`. */
  readonly keepsUnknown: boolean;
}

const known = new WeakMap<object, Reading>();

/** How a type reads. Tried once for each type; those that are nested in it are taken to be of the same kind. */
export function readingOf(
  type: MessageType<unknown>,
  probe: (bytes: Uint8Array) => { readonly pos: number; readonly len: number },
): Reading {
  let reading = known.get(type);
  if (reading === undefined) {
    reading = tryWith(type, probe(unknownField));
    known.set(type, reading);
  }
  return reading;
}

function tryWith(type: MessageType<unknown>, reader: { readonly pos: number; readonly len: number }): Reading {
  try {
    const message = type.decode(reader as never);
    const keepsUnknown = Object.keys((message as object | null | undefined) ?? {}).includes("_unknownFields");
    return { takesReader: reader.pos === reader.len, keepsUnknown };
  } catch {
    return { takesReader: false, keepsUnknown: false };
  }
}

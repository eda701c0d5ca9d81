import type { MessageType } from "./message.ts";

/** Makes a whole message of what a user gave for one. */
export type Whole = (given: unknown) => unknown;

const known = new WeakMap<MessageType<unknown>, Whole>();

/**
 * `fromPartial` of a type, but for what is whole already: a message with every field, all of them plain values, is
 * handed on as it is. To copy one costs more than to send it.
 */
export function wholeOf(type: MessageType<unknown>): Whole {
  const whole = known.get(type) ?? makeWhole(type);
  known.set(type, whole);
  return whole;
}

function makeWhole(type: MessageType<unknown>): Whole {
  const empty = type.fromPartial({} as never) as Record<string, unknown>;
  const fields = Object.entries(empty).map(([name, value]) => ({ name, kind: kindOf(value) }));
  return (given) => {
    if (typeof given !== "object" || given === null) return type.fromPartial(given as never);
    for (const { name, kind } of fields) {
      if (kind === undefined || kindOf((given as Record<string, unknown>)[name]) !== kind)
        return type.fromPartial(given as never);
    }
    return given;
  };
}

/** Of a value that `fromPartial` would hand on as it is, where the field's default is of the same kind. */
function kindOf(value: unknown): string | undefined {
  if (typeof value !== "object") return typeof value;
  return value instanceof Uint8Array ? "bytes" : undefined;
}

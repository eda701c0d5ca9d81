import type { MessageType } from "./message.ts";
import { whatIs } from "./what-is.ts";

/**
 * Looks whether what a user gave can be a message at all. The rest, field by field, is its codec's to say.
 * @throws TypeError that says what it is and which message to give
 */
export function checkMessage(given: unknown, name: string, { $type }: MessageType<any>): void {
  if (typeof given === "object" && given !== null && !Array.isArray(given) && !(given instanceof Promise)) return;
  const remedy = given instanceof Promise ? "await it" : `give the fields of ${$type} as an object`;
  throw new TypeError(`${name} is ${whatIs(given)}: ${remedy}`);
}

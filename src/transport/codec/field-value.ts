import { scratch } from "./scratch.ts";

const digits = /^-?\d+$/;
const maxInt64 = 0x7fffffffffffffffn;
const minInt64 = -0x8000000000000000n;
const maxUint64 = 0xffffffffffffffffn;

/** Takes a number in digits too: the keys of ts-proto's maps are the names of properties. */
export function toSigned(kind: string, value: unknown): number {
  const integer = typeof value === "string" && digits.test(value) ? Number(value) : value;
  if (typeof integer === "number" && (integer | 0) === integer) return integer;
  throw wrong(kind, value);
}

/** As `toSigned`. */
export function toUnsigned(kind: string, value: unknown): number {
  const integer = typeof value === "string" && digits.test(value) ? Number(value) : value;
  if (typeof integer === "number" && integer >>> 0 === integer) return integer;
  throw wrong(kind, value);
}

/** Leaves a signed 64-bit integer in the scratch bytes. */
export function putSigned(kind: string, value: unknown): void {
  const integer = toBigInt(kind, value);
  if (integer > maxInt64 || integer < minInt64) throw wrong(kind, value);
  scratch.setBigInt64(0, integer, true);
}

/** Leaves an unsigned 64-bit integer in the scratch bytes. */
export function putUnsigned(kind: string, value: unknown): void {
  const integer = toBigInt(kind, value);
  if (integer > maxUint64 || integer < 0n) throw wrong(kind, value);
  scratch.setBigUint64(0, integer, true);
}

function toBigInt(kind: string, value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  if (typeof value === "string" && digits.test(value)) return BigInt(value);
  throw wrong(kind, value);
}

/** Says what was given where a field wanted something else. */
export function wrong(kind: string, value: unknown): TypeError {
  return new TypeError(`a field of type ${kind} was given ${describe(kind, value)}`);
}

/** What somebody writes for a number, a yes or a no, or a value of an enum. Other text may be a secret, and stands in logs. */
const telling = /^(?:true|false|yes|no|on|off|[-+]?(?=.{1,12}$)[\d.][\dxe.+-]*|[A-Z][A-Z\d]*(?:_[A-Z\d]+)+)$/;

function describe(kind: string, value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") {
    return kind === "bytes" || !telling.test(value) ? "a string" : `the string ${JSON.stringify(value.slice(0, 40))}`;
  }
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return `an object (${value.constructor?.name ?? "without a prototype"})`;
  if (typeof value === "function") return "a function";
  return `the ${typeof value} ${String(value)}`;
}

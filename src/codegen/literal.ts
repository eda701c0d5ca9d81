import { isObject } from "../core/json-object.ts";

const width = 120;

/**
 * A TypeScript literal, as a formatter would set it: on one line where it fits, else a property a line. What is
 * `undefined` is left out; an object with nothing in it is the empty string.
 * @param used how much of the line is taken by what stands around it
 */
export function literal(value: object, used: number): string {
  const properties = Object.entries(value).filter(([, each]) => each !== undefined);
  if (properties.length === 0) return "";
  const line = oneLine(value);
  if (used + line.length <= width) return line;
  return broken(properties, "    ", "  ");
}

/** A string literal. Line separators, which older engines end a line at, are escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

function broken(properties: readonly (readonly [string, unknown])[], indent: string, closing: string): string {
  const lines = properties.map(([key, value]) => {
    const line = oneLine(value);
    const isLong = indent.length + key.length + line.length + 3 > width;
    const text = isLong && isObject(value) ? broken(Object.entries(value), `${indent}  `, indent) : line;
    return `${indent}${key}: ${text},\n`;
  });
  return `{\n${lines.join("")}${closing}}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  const properties = Object.entries(value).filter(([, each]) => each !== undefined);
  if (properties.length === 0) return "{}";
  return `{ ${properties.map(([key, each]) => `${key}: ${oneLine(each)}`).join(", ")} }`;
}

import type { Dialect } from "./dialect.ts";
import { goNaming } from "./go-naming.ts";
import { goZero } from "./go-zero.ts";
import { kitex } from "./kitex.ts";
import { kratos } from "./kratos.ts";

export type DialectName = "go-naming" | "go-zero" | "kratos" | "kitex";

const dialects: Readonly<Record<DialectName, Dialect>> = {
  "go-naming": goNaming(),
  "go-zero": goZero(),
  kratos: kratos(),
  kitex: kitex(),
};

/** @throws TypeError for a name that no dialect has */
export function dialectNamed(name: string): Dialect {
  if (Object.hasOwn(dialects, name)) return dialects[name as DialectName];
  throw new TypeError(`"${name}" is no dialect; there are ${Object.keys(dialects).join(", ")}`);
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repository } from "../support/program.ts";
import { createScope, type Scope } from "./wrong-input.ts";

const [, section = ""] = readFileSync(join(repository, "docs/errors.md"), "utf8").split("\n## Wrong inputs\n");
const row = /^\| `(.+?)` \| `(.+)` \|$/gm;

describe.each(
  section
    .split(/^### /m)
    .slice(1)
    .map((part) => [part.split("\n")[0] as string, part] as const),
)("docs/errors.md, wrong inputs: %s", (_title, part) => {
  let scope: Scope;
  beforeAll(async () => {
    scope = await createScope();
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const rows = [...part.matchAll(row)].map(([, ...cells]) => cells.map((cell) => cell.replaceAll("\\|", "|")));
  test("every row is read", () => {
    expect(rows.length).toBeGreaterThan(5);
    expect(rows).toHaveLength(part.split("\n").filter((line) => line.startsWith("| `")).length);
  });
  test.each(rows)("%s says what the page says", async (input = "", says) => {
    expect(await scope.failureOf(input)).toBe(says);
  });
});

import { expect, test } from "vitest";
import { isThenable } from "../../src/core/thenable.ts";
import { query } from "../support/query.ts";

test("what has a then that can be called is awaited, whatever made it", async () => {
  const lazy = query(() => "row");
  expect(await lazy).toBe("row");
  for (const value of [Promise.resolve(), lazy, Object.create(lazy), Object.assign(() => {}, lazy)])
    expect(isThenable(value)).toBe(true);
});

test("a message is not awaited, not even one with a field that is called then", () => {
  const message = JSON.parse('{"then": "later"}');
  for (const value of [undefined, null, 1, "then", Symbol("then"), {}, message, Object.create(null)])
    expect(isThenable(value)).toBe(false);
});

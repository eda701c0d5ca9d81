import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../support/program.ts";
import { checked } from "./row.ts";
import { common } from "./trees.ts";

// The others, and by both TypeScripts: npm run test:trees

test("the code of what Google's contracts share compiles and loads, and each of its messages comes through", async () => {
  const tsc = join(repository, "node_modules/typescript/bin/tsc");
  const row = await checked(common, { compilers: new Map([["newest", tsc]]), remove() {} }, () => {});
  expect(row.failures).toEqual([]);
  expect(row.made?.refused).toEqual([]);
  expect(row.made?.messages).toBeGreaterThan(500);
}, 300_000);

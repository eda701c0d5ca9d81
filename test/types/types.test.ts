import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// The files beside this one are never run: that they compile, with the errors they expect, is the test.
test("what fits the contract compiles, and what does not fit it does not", () => {
  const tsc = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
  const run = spawnSync(tsc, ["-p", fileURLToPath(new URL("tsconfig.json", import.meta.url))], { encoding: "utf8" });
  expect(run.stdout).toBe("");
  expect(run.status).toBe(0);
});

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository, runProgram } from "../support/program.ts";
import { installTypeScripts, type TypeScripts } from "../support/typescripts.ts";

let typeScripts: TypeScripts;
beforeAll(async () => {
  typeScripts = await installTypeScripts();
}, 120_000);
afterAll(() => typeScripts.remove());

// The files beside this one are never run: that they compile, with the errors they expect, is the test.
test.each(["5.9", "newest"])(
  "what fits the contract compiles, and what does not fit it does not, by TypeScript %s",
  async (version) => {
    const tsc = typeScripts.compilers.get(version) as string;
    const compiled = await runProgram(tsc, ["-p", join(repository, "test/types")], { execArgv: [] });
    expect(compiled).toMatchObject({ code: 0, stdout: "" });
  },
  120_000,
);

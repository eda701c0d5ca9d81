import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository, run, runProgram } from "../support/program.ts";

const page = readFileSync(join(repository, "docs/interceptors.md"), "utf8");
const programs = [...page.matchAll(/^```ts file=(\w+\.ts)\n(.*?)^```\n.*?^```console\n(.*?)^```/gms)].map(
  ([, file = "", program = "", output = ""]) => ({ file, program, output }),
);

test("the page has its programs", () => {
  expect(programs.map(({ file }) => file)).toEqual(["auth.ts", "timed.ts"]);
});

test.each(programs)("the page's $file compiles, and prints what stands under it", async ({ file, program, output }) => {
  // Inside the repository, so that `import "trunkline"` finds the package itself.
  const scratch = join(repository, ".trunkline");
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, "interceptors-"));
  try {
    symlinkSync(join(repository, "gen"), join(folder, "gen"));
    writeFileSync(join(folder, file), program);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: join(repository, "tsconfig.json"), include: [file] }),
    );
    expect(await run("npx", ["tsc", "-p", folder])).toMatchObject({ code: 0, stdout: "" });
    const options = { execArgv: ["--conditions=@trunkline/source", "--preserve-symlinks"] };
    const ended = await runProgram(join(folder, file), [], options);
    expect(ended).toMatchObject({ code: 0, stderr: "", stdout: output });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

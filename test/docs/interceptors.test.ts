import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository, run, runProgram } from "../support/program.ts";

const page = readFileSync(join(repository, "docs/interceptors.md"), "utf8");
const [, program = ""] = /^```ts file=auth.ts\n(.*?)^```/ms.exec(page) ?? [];
const [, output = ""] = /^```console\n(.*?)^```/ms.exec(page) ?? [];

test("the page's program compiles, and prints what stands under it", async () => {
  // Inside the repository, so that `import "trunkline"` finds the package itself.
  const scratch = join(repository, ".trunkline");
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, "interceptors-"));
  try {
    symlinkSync(join(repository, "gen"), join(folder, "gen"));
    writeFileSync(join(folder, "auth.ts"), program);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: join(repository, "tsconfig.json"), include: ["auth.ts"] }),
    );
    expect(await run("npx", ["tsc", "-p", folder])).toMatchObject({ code: 0, stdout: "" });
    const options = { execArgv: ["--conditions=@trunkline/source", "--preserve-symlinks"] };
    const ended = await runProgram(join(folder, "auth.ts"), [], options);
    expect(ended).toMatchObject({ code: 0, stderr: "", stdout: output });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

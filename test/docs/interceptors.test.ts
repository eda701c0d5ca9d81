import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blocksOf, readPage } from "../support/page.ts";
import { repository, run, runProgram } from "../support/program.ts";
import { scratchFolder } from "../support/scratch-folder.ts";

const blocks = blocksOf(readPage("docs/interceptors.md"));
const programs = blocks.flatMap(({ language, file, text: program }, i) =>
  language !== "ts" || file === undefined
    ? []
    : { file, program, output: blocks.slice(i).find((block) => block.language === "console")?.text },
);

test("the page has its programs", () => {
  expect(programs.map(({ file }) => file)).toEqual(["auth.ts", "loud.ts", "timed.ts"]);
});

test.each(programs)(
  "the page's $file compiles, and prints what stands under it",
  async ({ file, program, output }) => {
    const folder = scratchFolder("interceptors");
    symlinkSync(join(repository, "gen"), join(folder, "gen"));
    writeFileSync(join(folder, file), program);
    const config = { extends: join(repository, "tsconfig.json"), include: [file] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    expect(await run("npx", ["tsc", "-p", folder])).toMatchObject({ code: 0, stdout: "" });
    const options = { execArgv: ["--conditions=@trunkline/source", "--preserve-symlinks"] };
    const ended = await runProgram(join(folder, file), [], options);
    expect(ended).toMatchObject({ code: 0, stderr: "", stdout: output });
  },
  60_000,
);

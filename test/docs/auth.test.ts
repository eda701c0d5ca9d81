import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blocksOf, readPage } from "../support/page.ts";
import { repository, run } from "../support/program.ts";
import { scratchFolder } from "../support/scratch-folder.ts";

test("the programs of docs/auth.md compile", async () => {
  const programs = blocksOf(readPage("docs/auth.md")).filter(({ language }) => language === "ts");
  expect(programs).toHaveLength(2);
  const folder = scratchFolder("auth");
  for (const [i, { text }] of programs.entries()) writeFileSync(join(folder, `program${i}.ts`), text);
  const compilerOptions = { noUnusedLocals: false };
  const config = { extends: join(repository, "tsconfig.json"), include: ["*.ts"], compilerOptions };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  expect(await run("npx", ["tsc", "-p", folder])).toMatchObject({ code: 0, stdout: "" });
}, 60_000);

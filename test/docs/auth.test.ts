import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository, run } from "../support/program.ts";

test("the programs of docs/auth.md compile", async () => {
  const page = readFileSync(join(repository, "docs/auth.md"), "utf8");
  const programs = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, program = ""]) => program);
  expect(programs).toHaveLength(2);
  const scratch = join(repository, ".trunkline");
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, "auth-"));
  try {
    for (const [i, program] of programs.entries()) writeFileSync(join(folder, `program${i}.ts`), program);
    const compilerOptions = { noUnusedLocals: false };
    const config = { extends: join(repository, "tsconfig.json"), include: ["*.ts"], compilerOptions };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    expect(await run("npx", ["tsc", "-p", folder])).toMatchObject({ code: 0, stdout: "" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

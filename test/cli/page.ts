import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/program.ts";

/** The page on the command. */
export const page: string = readFileSync(join(repository, "docs/cli.md"), "utf8");

export interface Example {
  readonly command: string;
  readonly output: string;
}

/** The commands of the page's consoles, each with what stands under it. */
export const examples: readonly Example[] = [...page.matchAll(/^```console\n(.*?)^```/gms)]
  .flatMap(([, console]) => (console ?? "").split(/^\$ /m).slice(1))
  .map((each) => {
    const [command = "", ...output] = each.split("\n");
    return { command, output: output.join("\n") };
  });

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./program.ts";

/** A fenced block of a page: a file where it says `file=…`, else of its language (`sh`: commands). */
export interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
}

/** A command after a `$` of a console, and what stands under it. */
export interface Example {
  readonly command: string;
  readonly output: string;
}

/** The text of a page of the repository, `docs/cli.md` say. */
export function readPage(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

export function blocksOf(text: string): readonly Block[] {
  return [...text.matchAll(/^```(\w+)(?: file=(\S+))?\n(.*?)^```$/gms)].map(([, language = "", file, text = ""]) => ({
    language,
    file,
    text,
  }));
}

/** The commands of a text's consoles. */
export function examplesOf(text: string): readonly Example[] {
  return blocksOf(text)
    .filter(({ language }) => language === "console")
    .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
    .map((each) => {
      const [command = "", ...output] = each.split("\n");
      return { command, output: output.join("\n") };
    });
}

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { works } from "../support/install-program.ts";
import { lines, trunkline } from "./trunkline.ts";

/** What a shell completes is in this file. */
async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await trunkline(["completion", shell]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const folder = mkdtempSync(join(tmpdir(), "trunkline-completion-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "script"), stdout);
  return join(folder, "script");
}

function say(shell: string, ...args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(shell, args, { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return lines(stdout);
}

test("bash completes commands, flags and files", async () => {
  const script = await scriptFor("bash");
  const completed = (...words: readonly string[]): string[] =>
    say(
      "bash",
      "--norc",
      "-c",
      `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trunkline; printf '%s\\n' "\${COMPREPLY[@]}"`,
      script,
      "trunkline",
      ...words,
    );
  expect(completed("")).toEqual([
    ...["dev", "call", "ls", "policy", "top", "why", "drain", "completion"],
    ...["--help", "--version"],
  ]);
  expect(completed("l")).toEqual(["ls"]);
  expect(completed("ls", "--z")).toEqual(["--zone"]);
  expect(completed("completion", "")).toEqual(["bash", "zsh", "fish", "--help"]);
  expect(completed("call", "--ca", script)).toEqual([script]);
});

test.skipIf(!works(["fish", "--version"]))("fish completes commands, flags and files", async () => {
  const script = await scriptFor("fish");
  const completed = (line: string): string[] =>
    say("fish", "--no-config", "-c", `source ${script}; complete -C "${line}"`);
  expect(completed("trunkline l")).toEqual(["ls\tList the services in the registry, and their servers."]);
  expect(completed("trunkline ls --z")).toEqual(["--zone\tOnly servers whose registration says zone=ZONE."]);
  expect(completed("trunkline completion z")).toEqual(["zsh"]);
  expect(completed(`trunkline call --ca ${script.slice(0, -1)}`)).toEqual([script]);
});

test.skipIf(!works(["zsh", "--version"]))("zsh takes what completes for it", async () => {
  const script = await scriptFor("zsh");
  const load = `autoload -Uz compinit; compinit -u -D; source ${script}`;
  expect(say("zsh", "-f", "-c", `${load}; print $_comps[trunkline]; whence -w _trunkline`)).toEqual([
    "_trunkline",
    "_trunkline: function",
  ]);
});

test("another shell is named with those there are", async () => {
  for (const args of [["completion"], ["completion", "tcsh"], ["completion", "bash", "zsh"]]) {
    const { code, stdout, stderr } = await trunkline(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("trunkline completion takes the name of a shell: bash, zsh or fish");
  }
});

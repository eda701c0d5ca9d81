import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { copyRepository } from "../support/copy-repository.ts";
import type { Block } from "../support/page.ts";
import { type Ended, type Program, repository, run, startCommand } from "../support/program.ts";

/** A folder of a user's, outside the repository, beside the package as it would be published. */
export interface UserProject {
  readonly folder: string;
  /** The packed package. */
  readonly tarball: string;
  write(file: string, text: string): void;
  /** Runs a command there, by the Node that runs this, and sees it succeed. */
  succeed(command: string, ...args: readonly string[]): Promise<Ended>;
  /** Does what a page says: writes its files and runs its commands. Only the package comes from the tarball. */
  follow(blocks: readonly Block[]): Promise<void>;
  start(command: string, ...args: readonly string[]): Program;
  remove(): void;
}

export async function createUserProject(): Promise<UserProject> {
  const outside = mkdtempSync(join(tmpdir(), "trunkline-user-"));
  const folder = join(outside, "project");
  mkdirSync(folder);
  // To pack is to build, and others build and pack at the same time.
  const packed = join(outside, "packed");
  await copyRepository(packed);
  symlinkSync(join(repository, "node_modules"), join(packed, "node_modules"));
  const pack = await run("npm", ["pack", "--silent", "--pack-destination", outside], { cwd: packed });
  expect(pack, pack.stderr).toMatchObject({ code: 0 });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
  };
  const tarball = join(outside, readdirSync(outside).find((file) => file.endsWith(".tgz")) as string);
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  const succeed = async (command: string, ...args: readonly string[]): Promise<Ended> => {
    const ended = await run(command, args, { cwd: folder, env });
    expect(ended, `${command} ${args.join(" ")}\n${ended.stdout}${ended.stderr}`).toMatchObject({ code: 0 });
    return ended;
  };
  return {
    folder,
    tarball,
    write,
    succeed,
    async follow(blocks) {
      for (const { language, file, text } of blocks) {
        if (file !== undefined) write(file, text);
        else if (language === "sh")
          await succeed("sh", "-ec", text.replace(/(npm install .*)\btrunkline\b/, `$1${tarball}`));
      }
    },
    start: (command, ...args) => startCommand(command, args, { cwd: folder, env }),
    remove: () => rmSync(outside, { recursive: true, force: true }),
  };
}

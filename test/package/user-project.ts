import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { type Ended, type Program, repository, run, startCommand } from "../support/program.ts";

/** A folder of a user's, outside the repository, beside the package as it would be published. */
export interface UserProject {
  readonly folder: string;
  /** The packed package. */
  readonly tarball: string;
  write(file: string, text: string): void;
  /** Runs a command there, by the Node that runs this, and sees it succeed. */
  succeed(command: string, ...args: readonly string[]): Promise<Ended>;
  start(command: string, ...args: readonly string[]): Program;
  remove(): void;
}

export async function createUserProject(): Promise<UserProject> {
  const outside = mkdtempSync(join(tmpdir(), "trunkline-user-"));
  const folder = join(outside, "project");
  mkdirSync(folder);
  const pack = await run("npm", ["pack", "--silent", "--pack-destination", outside], { cwd: repository });
  expect(pack, pack.stderr).toMatchObject({ code: 0 });
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  return {
    folder,
    tarball: join(outside, readdirSync(outside).find((file) => file.endsWith(".tgz")) as string),
    write(file, text) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    },
    async succeed(command, ...args) {
      const ended = await run(command, args, { cwd: folder, env });
      expect(ended, `${command} ${args.join(" ")}\n${ended.stdout}${ended.stderr}`).toMatchObject({ code: 0 });
      return ended;
    },
    start: (command, ...args) => startCommand(command, args, { cwd: folder, env }),
    remove: () => rmSync(outside, { recursive: true, force: true }),
  };
}

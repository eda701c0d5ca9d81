import { randomUUID } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats, statSync } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;
/** What a process that was killed while it wrote has left. */
const part = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;
/** Nobody writes a file for this long, in milliseconds, not even to a slow network. */
const longestWriteMs = 3_600_000;
const maxBytes = 64 * 1024 * 1024;

/**
 * The text of a file that nobody but this user, or root, can have written.
 * @throws Error with the system's code where there is none, or that says why it is not trusted
 */
export function readPrivate(dir: string, file: string): string {
  checkFolder(dir);
  // A pipe in its place must not hold us up.
  const fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error("it is no file");
    checkOwner("it", stats);
    if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes; ${maxBytes} are read`);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

/**
 * Replaces a file, and makes its folder where there is none. A reader sees the old file or the new one, never a part,
 * however many write it at the same time; a link in its place is replaced and not followed.
 * @throws Error (rejects with it) that says why the folder is not trusted, or the system's own
 */
export async function writePrivate(dir: string, file: string, text: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  checkFolder(dir);
  const unfinished = `${file}.${randomUUID()}.part`;
  try {
    const handle = await open(unfinished, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/**
 * Takes what was never finished out of a folder, once it is an hour old.
 * @throws Error (rejects with it) as `writePrivate` does
 */
export async function sweepUnfinished(dir: string): Promise<void> {
  checkFolder(dir);
  for (const name of await readdir(dir)) {
    if (!part.test(name)) continue;
    const file = join(dir, name);
    // Another process may sweep at the same time.
    const stats = await lstat(file).catch(() => undefined);
    if (stats?.isFile() && Date.now() - stats.mtimeMs > longestWriteMs) await rm(file, { force: true });
  }
}

function checkFolder(dir: string): void {
  const link = lstatSync(dir);
  if (link.isSymbolicLink()) checkUser(`the link ${dir}`, link);
  checkOwner(dir, statSync(dir));
}

function checkOwner(what: string, stats: Stats): void {
  checkUser(what, stats);
  // Windows has other rights, and shows these to all.
  if (process.getuid !== undefined && (stats.mode & 0o022) !== 0) {
    throw new Error(`${what} may be written by others (mode ${(stats.mode & 0o777).toString(8)}); chmod go-w it`);
  }
}

function checkUser(what: string, { uid }: Stats): void {
  const own = process.geteuid?.();
  if (own === undefined || uid === own || uid === 0) return;
  throw new Error(`${what} belongs to user ${uid}, and not to ${own}, who runs this`);
}

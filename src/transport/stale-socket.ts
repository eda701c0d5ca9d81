import { type BigIntStats, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";

/**
 * Removes the file of a Unix socket that a process left behind when it was killed: one that nobody answers on. What is no
 * socket is never removed, nor a socket that somebody may listen on. Returns whether the path is free now.
 */
export async function removeStaleSocket(path: string): Promise<boolean> {
  const before = look(path);
  if (before === undefined) return true;
  if (!before.isSocket() || !(await isRefused(path))) return false;
  // Another that starts at the same time may have put its own there meanwhile.
  const now = look(path);
  if (now === undefined) return true;
  if (now.ino !== before.ino || now.ctimeNs !== before.ctimeNs) return false;
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

function look(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
}

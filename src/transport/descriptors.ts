import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import type { Facts } from "../core/facts.ts";

const LOOK_EVERY_MS = 1_000;

/** What runs out, and what to do about it. */
const outOf: Readonly<Record<string, string>> = {
  EMFILE: "this process has no file descriptor left (EMFILE): raise its limit (ulimit -n), or lower maxConnections",
  ENFILE: "this machine has no file descriptor left (ENFILE): raise its limit (sysctl fs.file-max)",
};

/** The reason in an error where it is that descriptors have run out. */
export function outOfDescriptors(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && Object.hasOwn(outOf, code) ? outOf[code] : undefined;
}

/**
 * Tells when file descriptors have run out, and when there are some again, until the returned function is called. Nothing
 * else does: libuv then closes each connection as it comes, without a word to anybody, so that the port does not keep
 * the event loop busy. It takes the next one again by itself.
 */
export function watchDescriptors(address: string, facts: Facts): () => void {
  let isOut = false;
  const look = (): void => {
    const reason = lack();
    if (reason !== undefined) facts.on["descriptors-spent"]?.({ address, reason });
    else if (isOut) facts.on["descriptors-back"]?.({ address });
    isOut = reason !== undefined;
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}

function lack(): string | undefined {
  try {
    closeSync(openSync(devNull, "r"));
    return undefined;
  } catch (error) {
    return outOfDescriptors(error);
  }
}

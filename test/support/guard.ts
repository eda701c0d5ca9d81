import { spawn } from "node:child_process";

/** Outlives this process, however that ends, to end what it would leave behind. */
export interface Guard {
  /** The process to kill, a stopped one too; `undefined` when it has ended. */
  watch(pid: number | undefined): void;
  /** Nothing is left behind any more. */
  end(): void;
}

// Its input ends with the process that holds the other end: then it is time.
const script = 'while read -r line; do pid=$line; done; [ -n "$pid" ] && kill -9 "$pid"; [ -n "$1" ] && rm -rf "$1"';

/** @param directory removed as well, if this process ends before `end()` */
export function createGuard(directory = ""): Guard {
  // Away from the terminal's process group: Ctrl-C must not end the guard before its work.
  const shell = spawn("sh", ["-c", script, "guard", directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  shell.unref();
  // Child processes have sockets for pipes, and those can be unref'd.
  (shell.stdin as { unref?: () => void }).unref?.();
  return {
    watch: (pid) => void shell.stdin.write(`${pid ?? ""}\n`),
    end: () => void shell.kill("SIGKILL"),
  };
}

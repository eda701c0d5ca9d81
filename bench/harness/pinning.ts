import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Cores {
  readonly server: number;
  readonly client: number;
}

/** A core for the server and one for the client, not two threads of one core where that can be had; else `undefined`. */
export function chooseCores(): Cores | undefined {
  const allowed = allowedCores();
  const [server] = allowed;
  if (server === undefined || spawnSync("taskset", ["-c", `${server}`, "true"]).status !== 0) return undefined;
  const siblings = threadsBeside(server);
  const client = allowed.find((core) => !siblings.includes(core)) ?? allowed[1];
  return client === undefined ? undefined : { server, client };
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(read("/proc/self/status"))?.[1];
  return list === undefined ? [] : parseList(list);
}

function threadsBeside(core: number): number[] {
  const list = read(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`).trim();
  return list === "" ? [core] : [core, ...parseList(list)];
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** `0,2-4` as numbers. */
function parseList(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

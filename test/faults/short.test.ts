import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { hasEtcd } from "../support/etcd.ts";
import { runProgram, startProgram } from "../support/program.ts";
import type { Row } from "./table.ts";

const suite = "test/faults/main.ts";

/** The children of a process, and theirs. */
function familyOf(pid: number): number[] {
  const all = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const children = all.filter(([, parent]) => parent === pid).map(([child = 0]) => child);
  return [...children, ...children.flatMap(familyOf)];
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.runIf(hasEtcd)("the fault suite", () => {
  test("keeps every promise of its short scenarios", { timeout: 150_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), "trunkline-faults-"));
    const json = join(directory, "rows.json");
    try {
      const { code, stdout, stderr } = await runProgram(suite, ["--short", "--json", json]);
      expect(code, `${stdout}${stderr}`).toBe(0);
      const { rows } = JSON.parse(await readFile(json, "utf8")) as { rows: Row[] };
      expect(rows.map(({ scenario }) => scenario)).toEqual([
        "sigkill",
        "rolling-restart",
        "keys-deleted",
        "retry-storm",
      ]);
      for (const row of rows) {
        expect(row.ok).toBe(true);
        expect(row.calls).toBeGreaterThan(500);
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test("leaves no process behind when it is killed", { timeout: 60_000 }, async () => {
    const { child, printed, ended } = startProgram(suite, ["--only", "sigstop"]);
    await printed(/sigstop/);
    const pid = child.pid as number;
    // Its etcds, its servers and its load, each with a guard.
    const family = await vi.waitUntil(() => familyOf(pid).length >= 14 && familyOf(pid), { timeout: 40_000 });
    child.kill("SIGKILL");
    await ended;
    await vi.waitUntil(() => !family.some(alive), { timeout: 10_000 });
  });

  test("refuses a scenario that it does not know, naming it", async () => {
    const { code, stderr } = await runProgram(suite, ["--only", "sigkill,meteor"]);
    expect(code).toBe(2);
    expect(stderr).toContain("no scenario meteor");
  });
});

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Traffic as TrafficMessage } from "../../gen/trunkline/admin/v1/admin.ts";
import type { CodeName } from "../core/code.ts";
import { now } from "../core/deadline.ts";
import { durationOf } from "./times.ts";

/** Figures of "the last ten seconds" are of the window that runs and of the one before it, in milliseconds each. */
const WINDOW_MS = 5_000;
const MICROSECONDS = 1_000;
const LONGEST_US = 600_000_000;

/** What came of calls, or of attempts at a peer: since the process began, and lately. */
export interface Traffic {
  ended(code: CodeName, tookMs: number): void;
  figures(): TrafficMessage;
}

interface Window {
  readonly times: RecordableHistogram;
  sinceMs: number;
  calls: number;
  failed: number;
}

/** @param digits of a time that are right: 1 takes 10 KiB, 2 take 26 */
export function createTraffic(digits: 1 | 2): Traffic {
  const byCode = new Map<CodeName, bigint>();
  const times = () => createHistogram({ lowest: 1, highest: LONGEST_US, figures: digits });
  const opened = (): Window => ({ times: times(), sinceMs: now(), calls: 0, failed: 0 });
  let current = opened();
  let before: Window | undefined;

  function turn(nowMs: number): void {
    const age = nowMs - current.sinceMs;
    if (age < WINDOW_MS) return;
    const next = before ?? opened();
    // What ended long ago is not what happens lately.
    before = age < 2 * WINDOW_MS ? current : undefined;
    next.times.reset();
    current = Object.assign(next, { sinceMs: nowMs, calls: 0, failed: 0 });
  }

  return {
    ended(code, tookMs) {
      turn(now());
      byCode.set(code, (byCode.get(code) ?? 0n) + 1n);
      current.calls++;
      if (code !== "OK") current.failed++;
      current.times.record(Math.min(LONGEST_US, Math.max(1, Math.round(tookMs * MICROSECONDS))));
    },
    figures() {
      const nowMs = now();
      turn(nowMs);
      const windows = before === undefined ? [current] : [before, current];
      const seconds = Math.max(1, (nowMs - (windows[0] as Window).sinceMs) / 1_000);
      const rate = (of: "calls" | "failed") => windows.reduce((sum, window) => sum + window[of], 0) / seconds;
      const all = times();
      for (const window of windows) all.add(window.times);
      const at = (percent: number) =>
        all.count === 0 ? undefined : durationOf(all.percentile(percent) / MICROSECONDS);
      const total = [...byCode.values()].reduce((sum, each) => sum + each, 0n);
      return {
        total,
        failed: total - (byCode.get("OK") ?? 0n),
        perSecond: rate("calls"),
        failedPerSecond: rate("failed"),
        p50: at(50),
        p90: at(90),
        p99: at(99),
        byCode: Object.fromEntries(byCode),
      };
    },
  };
}

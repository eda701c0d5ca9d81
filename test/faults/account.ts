import type { RpcError } from "trunkline";
import { createHistogram, type Histogram, p99 } from "./histogram.ts";
import type { LoadReport } from "./protocol.ts";

/** What a load does, call by call. It does not grow with the calls, so that a soak may go on for long. */
export interface Account {
  /** A call begins. */
  called(idempotent: boolean): void;
  /** An attempt at one sets out. */
  attempted(idempotent: boolean): void;
  answeredBy(server: string): void;
  succeeded(idempotent: boolean, startedMs: number): void;
  failed(idempotent: boolean, error: RpcError): void;
  streamOpened(): void;
  streamEndedWell(): void;
  /** The fault happens now. */
  mark(): void;
  report(): LoadReport;
}

interface Kind {
  lost: number;
  took: Histogram;
  /** In each second since the start. */
  readonly calls: number[];
  readonly attempts: number[];
}

/** A storm is at its worst for seconds: over these the amplification is taken. */
const worstSeconds = 5;

export function createAccount(): Account {
  const began = performance.now();
  const kinds = { idempotent: newKind(), other: newKind() };
  const perSecond: number[] = [];
  let perServer: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const streams = { opened: 0, endedWell: 0 };
  let succeeded = 0;
  let lastSuccess = began;
  let longestGapMs = 0;
  let marked = began;
  let lastFailure = 0;

  const kindOf = (idempotent: boolean): Kind => kinds[idempotent ? "idempotent" : "other"];
  const second = (): number => Math.floor((performance.now() - began) / 1_000);

  return {
    called: (idempotent) => countIn(kindOf(idempotent).calls, second()),
    attempted: (idempotent) => countIn(kindOf(idempotent).attempts, second()),
    answeredBy(server) {
      perServer[server] = (perServer[server] ?? 0) + 1;
    },
    succeeded(idempotent, startedMs) {
      const now = performance.now();
      longestGapMs = Math.max(longestGapMs, now - lastSuccess);
      lastSuccess = now;
      succeeded++;
      countIn(perSecond, second());
      kindOf(idempotent).took.add(now - startedMs);
    },
    failed(idempotent, error) {
      kindOf(idempotent).lost++;
      lastFailure = performance.now();
      const what = `${error.codeName} ${error.message}${error.peer === undefined ? "" : ` (${error.peer})`}`;
      failures[what] = (failures[what] ?? 0) + 1;
    },
    streamOpened() {
      streams.opened++;
    },
    streamEndedWell() {
      streams.endedWell++;
    },
    mark() {
      marked = performance.now();
      lastSuccess = marked;
      longestGapMs = 0;
      perServer = {};
      for (const kind of Object.values(kinds)) kind.took = createHistogram();
    },
    report() {
      const { idempotent, other } = kinds;
      const calls = added(idempotent.calls, other.calls);
      return {
        calls: sum(calls),
        succeeded,
        idempotentLost: idempotent.lost,
        otherLost: other.lost,
        failures,
        longestGapMs: Math.round(longestGapMs),
        recoverMs: Math.max(0, Math.round(lastFailure - marked)),
        amplification: worst(added(idempotent.attempts, other.attempts), calls),
        otherAmplification: worst(other.attempts, other.calls),
        p99Ms: p99(idempotent.took, other.took),
        idempotentP99Ms: p99(idempotent.took),
        perSecond: Array.from(perSecond, (count) => count ?? 0),
        perServer,
        streams: { ...streams },
      };
    },
  };
}

function newKind(): Kind {
  return { lost: 0, took: createHistogram(), calls: [], attempts: [] };
}

function countIn(seconds: number[], second: number): void {
  seconds[second] = (seconds[second] ?? 0) + 1;
}

function added(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + (b[i] ?? 0));
}

function sum(counts: readonly (number | undefined)[]): number {
  return counts.reduce<number>((total, count) => total + (count ?? 0), 0);
}

/** Attempts per call in the worst of all stretches of `worstSeconds`. */
function worst(attempts: readonly number[], calls: readonly number[]): number {
  let most = 1;
  for (let from = 0; from <= Math.max(0, calls.length - worstSeconds); from++) {
    const called = sum(calls.slice(from, from + worstSeconds));
    if (called > 0) most = Math.max(most, sum(attempts.slice(from, from + worstSeconds)) / called);
  }
  return Math.round(most * 100) / 100;
}

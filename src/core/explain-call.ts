import type { AttemptRecord, CallRecord, PeersRecord, RegistryRecord, StopReason } from "./call-record.ts";

const stops: Readonly<Record<StopReason, string>> = {
  answered: "it is the server's answer",
  "not-idempotent": "the method is not declared idempotent",
  "retry-off": "the policy has no retry for it",
  attempts: "it had as many as it may have",
  budget: "the channel's retry budget was spent",
  deadline: "there was no time for another",
  final: "the server has said that it is not to be tried again",
  local: "it failed on this side",
  "requests-read": "its requests had been read from",
  cancelled: "its caller ended it",
  "within-retry": "the call that it was made for is a retry itself",
  "no-peer": "none could take it, and it had waited for one",
  hedged: "all that were under way have failed",
};

/** A record as text for a person, of some lines. */
export function explainCall(record: CallRecord): string {
  return linesOf(record).join("\n");
}

function linesOf(record: CallRecord): string[] {
  const { id, trace, method, code, message, tookMs, leftMs, caller, attempts, stopped, budgetLeft } = record;
  const took = tookMs === undefined ? "" : ` after ${shownMs(tookMs)}`;
  const what = code === "OK" ? `took ${shownMs(tookMs ?? 0)}` : `failed with ${code}${took}: ${message}`;
  const by = caller === undefined ? "" : `, called by ${caller}`;
  return [
    `${method} ${what}`,
    `  call ${id}${trace === undefined ? "" : `, trace ${trace}`}, ended at ${record.endedAt}${by}`,
    ...registryLines(record.registry),
    ...peersLines(record.peers),
    ...attempts.map(attemptLine),
    ...(stopped === undefined ? [] : [`  no further attempt: ${stops[stopped]}`]),
    ...(budgetLeft === undefined ? [] : [`  left of the retry budget: ${budgetLeft}`]),
    ...(leftMs === undefined ? [] : [`  left until the deadline: ${shownMs(leftMs)}`]),
    ...(record.because === undefined
      ? []
      : ["  because of a call that it made:", ...indented(linesOf(record.because))]),
    ...(record.help === "" ? [] : [`  what would have helped: ${record.help}`]),
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`);
}

function registryLines(registry: RegistryRecord | undefined): string[] {
  if (registry === undefined) return [];
  const { state, endpoints, ageMs, reason, incomplete } = registry;
  const why = [reason, incomplete].filter((each) => each !== undefined).join("; ");
  return [`  registry: ${state}, ${endpoints} listed, said ${shownMs(ageMs)} before${why === "" ? "" : ` (${why})`}`];
}

function peersLines(peers: PeersRecord | undefined): string[] {
  if (peers === undefined) return [];
  const { known, byState, panic, first } = peers;
  const states = Object.entries(byState).map(([state, count]) => `${count} ${state}`);
  const named = first.map(({ address, state, forMs, reason, passedOver }) => {
    const why = [passedOver ?? "it was called", reason].filter((each) => each !== undefined).join(": ");
    return `    ${address} ${state} for ${shownMs(forMs)}, ${why}`;
  });
  const more = known > first.length ? [`    and ${known - first.length} more`] : [];
  return [
    `  peers: ${[`${known} known`, ...states].join(", ")}${panic ? ", most circuits open" : ""}`,
    ...named,
    ...more,
  ];
}

function attemptLine({ attempt, peer, code, message, pausedMs, tookMs }: AttemptRecord): string {
  const paused = pausedMs > 0 ? `after a pause of ${shownMs(pausedMs)}, ` : "";
  const took = tookMs === undefined ? "" : ` in ${shownMs(tookMs)}`;
  return `  attempt ${attempt}: ${paused}${peer === undefined ? "to no peer" : `to ${peer}`}, ${code}${took}: ${message}`;
}

function shownMs(ms: number): string {
  return ms < 10_000 ? `${ms} ms` : `${Math.round(ms / 1_000)} s`;
}

import type { CallRecord, StopReason } from "./call-record.ts";
import type { CodeName } from "./code.ts";

type Unhelped = Omit<CallRecord, "help">;

const byCode: Readonly<Partial<Record<CodeName, string>>> = {
  OK: "",
  INVALID_ARGUMENT: "a request that the server accepts: its message says what is wrong",
  UNAUTHENTICATED: "a credential that the server accepts: none was sent, or it has expired or is another's",
  PERMISSION_DENIED: "a caller who has been granted this",
  UNIMPLEMENTED: "a server that has the method: it may be of another version, or the address is another's",
  RESOURCE_EXHAUSTED: "fewer or smaller calls, or a higher limit",
};

const byStop: Readonly<Partial<Record<StopReason, (record: Unhelped) => string>>> = {
  cancelled: () => "nothing: its caller ended it",
  "not-idempotent": ({ method }) =>
    `${method} is not declared idempotent, so it was not retried: where it may be sent twice, declare its idempotency_level in the .proto`,
  "retry-off": () => "a retry: the policy has none for this method",
  attempts: ({ attempts }) =>
    `better servers: all of its ${attempts.length} attempts failed; raise retry.maxAttempts only where that passes`,
  budget: () => "servers that answer: so many calls fail that the channel's retry budget was spent",
  deadline: () => "a longer deadline: no time was left for another attempt; raise timeoutMs",
  "requests-read": () => "a request that is one message: a stream that has been read from cannot be sent again",
  "within-retry": () => "nothing here: the call that it was made for is a retry itself, and is tried again above",
  hedged: ({ attempts }) => `better servers: all of its ${attempts.length} attempts failed`,
  final: () => "nothing here: the server has said that the call is not to be tried again",
};

/** What would have helped a call that failed, in a sentence for its caller. */
export function whatWouldHelp(record: Unhelped): string {
  const { code, stopped, attempts } = record;
  const last = attempts.at(-1);
  if (code === "OK") return "";
  if (code === "CANCELLED") return "nothing: its caller ended it";
  if (code === "UNAVAILABLE" && last?.peer === undefined && record.peers !== undefined) return whichPeer(record);
  if (code === "DEADLINE_EXCEEDED") return moreTime(record);
  if (stopped === "local") {
    return code === "INVALID_ARGUMENT"
      ? "a request that can be sent: nothing was"
      : "what it says was amiss on this side";
  }
  const said = byCode[code] ?? (stopped && byStop[stopped]?.(record));
  return said ?? "nothing on the way: it is what the server answered";
}

function moreTime(record: Unhelped): string {
  const last = record.attempts.at(-1);
  if (last?.peer === undefined) return record.peers === undefined ? "raise timeoutMs" : whichPeer(record);
  const took = last.tookMs === undefined ? "so long" : `${last.tookMs} ms`;
  return `raise timeoutMs, or find out why ${last.peer} took ${took}`;
}

/** Why there was nobody to send it to. */
function whichPeer({ method, registry, peers }: Unhelped): string {
  const service = method.slice(1, method.lastIndexOf("/"));
  const { known = 0, byState = {}, first = [] } = peers ?? {};
  if (known === 0) {
    if (registry?.state === "current") return `a server of ${service}: the registry lists none`;
    return `the registry: it ${registry?.reason === undefined ? "has not answered" : `cannot be reached (${registry.reason})`}`;
  }
  const { ejected = 0, failed = 0, connecting = 0 } = byState;
  const parts: string[] = [];
  const since = (state: string): number =>
    Math.max(0, ...first.filter((peer) => peer.state === state).map(({ forMs }) => forMs));
  if (ejected > 0) parts.push(`${counted(ejected, "circuit")} open since ${since("ejected")} ms`);
  if (failed > 0) {
    const { reason } = first.find(({ state }) => state === "failed") ?? {};
    parts.push(`${counted(failed, "server")} not connected${reason === undefined ? "" : ` (${reason})`}`);
  }
  if (connecting > 0) parts.push(`${counted(connecting, "server")} still connecting`);
  return `a server that is ready: no peer is (${parts.join(", ") || `${known} known`})`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

import { randomBytes } from "node:crypto";
import type { Call } from "./call.ts";
import type { AttemptRecord, CallRecord, PeerRecord, RegistryRecord, StopReason } from "./call-record.ts";
import type { CodeName } from "./code.ts";
import { NEVER } from "./deadline.ts";
import { shortened } from "./printable.ts";
import type { PeerView, ServiceView } from "./service-view.ts";
import { traceIdOf } from "./trace-id.ts";
import { whatWouldHelp } from "./what-would-help.ts";

/** What is put aside when a call fails, to be written out where somebody reads its record: it holds nothing of the call. */
export interface Ending {
  readonly method: string;
  readonly trace: string | undefined;
  readonly date: number;
  readonly atMs: number;
  readonly beganAtMs: number | undefined;
  readonly leftMs: number | undefined;
  readonly attempts: readonly AttemptRecord[];
  readonly stopped: StopReason | undefined;
  readonly budgetLeft: number | undefined;
  readonly view: ServiceView | undefined;
  /** Once it has been read. */
  record?: CallRecord;
}

export type EndingOf = Pick<Ending, "atMs" | "beganAtMs" | "attempts" | "stopped" | "budgetLeft" | "view">;

export function endingOf({ method, metadata, deadline }: Call, what: EndingOf): Ending {
  return {
    ...what,
    method: method.path,
    trace: traceIdOf(metadata),
    date: Date.now(),
    leftMs: deadline === NEVER ? undefined : Math.max(0, deadline - what.atMs),
  };
}

/** Attempts that a record names. */
const mostAttempts = 10;

export function newCallId(): string {
  return randomBytes(8).toString("hex");
}

export function recordFrom(ending: Ending, code: CodeName, message: string): CallRecord {
  const { method, trace, date, atMs, beganAtMs, leftMs, attempts, stopped, budgetLeft, view } = ending;
  const record: Omit<CallRecord, "help"> = {
    id: newCallId(),
    trace,
    side: "client",
    endedAt: new Date(date).toISOString(),
    method,
    code,
    message: shortened(message),
    tookMs: beganAtMs === undefined ? undefined : rounded(atMs - beganAtMs),
    leftMs: leftMs === undefined ? undefined : rounded(leftMs),
    attempts: attempts.slice(-mostAttempts),
    stopped,
    budgetLeft: budgetLeft === undefined ? undefined : rounded(budgetLeft),
    ...(view !== undefined && partsOf(view, atMs, attempts)),
  };
  return { ...record, help: whatWouldHelp(record) };
}

function partsOf(
  { registry, known, byState, panic, first }: ServiceView,
  atMs: number,
  attempts: readonly AttemptRecord[],
): Pick<CallRecord, "registry" | "peers"> {
  const called = new Set(attempts.map(({ peer }) => peer));
  return {
    registry: registry && registryRecord(registry, atMs),
    peers: { known, byState, panic, first: first.map((peer) => peerRecord(peer, atMs, called.has(peer.address))) },
  };
}

function registryRecord({ heardAtMs, ...said }: NonNullable<ServiceView["registry"]>, atMs: number): RegistryRecord {
  return { ...said, ageMs: rounded(atMs - heardAtMs) };
}

function peerRecord({ address, state, sinceMs, reason }: PeerView, atMs: number, called: boolean): PeerRecord {
  const record = { address, state, forMs: rounded(atMs - sinceMs), reason };
  return called ? record : { ...record, passedOver: passedOver[state] };
}

const passedOver: Readonly<Record<PeerView["state"], string>> = {
  ready: "it was ready, and the balancer picked others",
  connecting: "it was still connecting",
  silent: "it did not answer, and others were ready",
  failed: "it was not connected",
  ejected: "its circuit was open",
  unserved: "its server has no such service",
  closed: "it was closed",
};

/** A tenth of a millisecond is as much as anybody reads. */
export function rounded(ms: number): number {
  return Math.round(Math.max(0, ms) * 10) / 10;
}

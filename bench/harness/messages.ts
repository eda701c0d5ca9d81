import type { Fleet } from "./changing-fleet.ts";
import type { Followed, FollowOptions } from "./follow-fleet.ts";
import type { Seen } from "./lanes.ts";

/** What the harness asks of a contender's server and client, each a process of its own. */
export interface Tasks {
  serve: { ask: { tls: boolean }; answer: { port: number } };
  connect: { ask: { port: number; tls: boolean; connections: number; inFlight: number }; answer: object };
  /** One client of so many endpoints, each a loopback address of the same server. */
  spread: { ask: { port: number; endpoints: number }; answer: object };
  /** Opens and closes so many connections, one after the other, with a call on each. */
  churn: { ask: { port: number; connections: number }; answer: object };
  /** `offers` is false where the contender has no such call. */
  offers: { ask: { shape: string }; answer: { offers: boolean } };
  drive: { ask: { shape: string; inFlight: number; durationMs: number }; answer: Seen };
  /** Starts this many calls that stay in flight. */
  park: { ask: { calls: number }; answer: object };
  /** Ends them. */
  release: { ask: object; answer: object };
  /** Keeps a registry whose servers change. */
  keep: { ask: Fleet; answer: { uri: string } };
  /** Calls servers that change. */
  follow: { ask: FollowOptions; answer: Followed };
  disconnect: { ask: object; answer: object };
  /** Processor time since the process began, in microseconds. */
  cpu: { ask: object; answer: { cpuUs: number } };
  /** Bytes in use after garbage collection. */
  memory: { ask: object; answer: { rss: number; used: number } };
  /** Ends the process. */
  end: { ask: object; answer: object };
}

export type Task = keyof Tasks;
export type Ask = { [T in Task]: { id: number; task: T; ask: Tasks[T]["ask"] } }[Task];
export type Answer = { id: number; answer: unknown } | { id: number; failure: string };

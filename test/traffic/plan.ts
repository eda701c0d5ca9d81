import type { Payload } from "../../gen/probe/v1/probe.ts";
import type { Metadata } from "../../src/core/metadata.ts";
import { randomFrom } from "../transport/http2/random.ts";

/** What a call is to do, as its client tells the server in metadata. All that is sent follows from it. */
export interface Plan {
  /** Of this call alone: what is in its messages follows from it. */
  readonly key: number;
  /** Messages in each direction that streams. */
  readonly count: number;
  /** The largest of them, in bytes. */
  readonly largest: number;
  /** The server answers, in peace, after so many requests. */
  readonly stopAfter?: number;
  /** The server fails with ABORTED after so many messages. */
  readonly failAfter?: number;
  /** What the server waits before each message, in turns of its event loop. */
  readonly turns: number;
}

export const planKey = "plan";
/** A header and a trailer of every answer, which repeat the call's `noise-bin`. */
export const noiseKey = "noise-bin";
export const plannedFailure = "as planned";

export function planIn(metadata: Metadata): Plan {
  return JSON.parse(String(metadata.get(planKey))) as Plan;
}

const tableBytes = 4 * 1024 * 1024;
const table = Buffer.alloc(tableBytes);
for (let at = 0, random = randomFrom(1); at < tableBytes; at += 4) table.writeUInt32LE(random(2 ** 32), at);

/** Message `index` of a call: the same at either end. */
export function messageOf({ key, largest }: Plan, index: number): Payload {
  const random = randomFrom(key * 7919 + index);
  const kind = random(40);
  // Mostly a few bytes, so that frames of different kinds are often of one length; seldom more than a window.
  const most = kind === 0 ? largest : kind < 5 ? Math.min(largest, 20_000) : 30;
  const size = random(most + 1);
  const from = random(tableBytes - size);
  return { text: `${key}/${index}`, data: table.subarray(from, from + size) };
}

/** @throws Error where a message is not what it was sent as */
export function verify(plan: Plan, index: number, { text, data }: Payload): void {
  const sent = messageOf(plan, index);
  if (text === sent.text && Buffer.compare(data, sent.data) === 0) return;
  throw new Error(
    `message ${sent.text} of ${sent.data.length} bytes came as ${text} of ${data.length}, or other bytes`,
  );
}

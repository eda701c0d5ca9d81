// Strangers, a process of their own: each of their connections begins 1,000 messages of 4 MiB and ends none.
import { setPriority } from "node:os";
import { beginMessages } from "../support/begun-messages.ts";

const MIB = 1024 * 1024;
const { address, path, connections } = JSON.parse(process.env.SETTINGS as string) as MemoryAttackSettings;

export interface MemoryAttackSettings {
  readonly address: string;
  /** A method that takes one message. */
  readonly path: string;
  readonly connections: number;
}

/** What came of it. */
export interface MemoryAttackReport {
  readonly sentMiB: number;
  /** How often a connection ended, by what the server said of it. */
  readonly ends: Readonly<Record<string, number>>;
}

// Strangers bring their own machines.
setPriority(19);
// And addresses: what may be open is shared by those of one.
const from = "127.0.0.2";
const options = { path, messages: 1000, claimedBytes: 4 * MIB - 64, sentBytes: 120 * 1024, from };
const ends: Record<string, number> = {};
const all = Array.from({ length: connections }, () => beginMessages(address, options));
for (const each of all) void each.ended.then((why) => (ends[why] = (ends[why] ?? 0) + 1));

process.once("message", () => {
  const sentMiB = Math.round(all.reduce((sum, { sent }) => sum + sent, 0) / MIB);
  process.send?.({ attack: { sentMiB, ends } satisfies MemoryAttackReport });
});
process.once("disconnect", () => process.exit(0));

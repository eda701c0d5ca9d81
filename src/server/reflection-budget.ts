import type { Caller } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { now } from "../core/deadline.ts";
import { callerOfConnection } from "../limit/caller.ts";
import { refusal } from "../limit/refusal.ts";
import { createBuckets } from "../limit/token-bucket.ts";

/** What each caller may have of reflection, which no limit of the user's holds for: an answer is far larger than its question. */
export interface ReflectionBudget {
  /** @throws RpcError RESOURCE_EXHAUSTED where it has had more than it may */
  check(caller: Caller): void;
  spend(caller: Caller, bytes: number): void;
}

/** A client that builds all types of a large server at once asks for a few MiB, and then for nothing more. */
const kibPerSecond = 256;
const burstKib = 16_384;
const maxCallers = 1_000;

export function createReflectionBudget(): ReflectionBudget {
  const buckets = createBuckets({ perSecond: kibPerSecond, burst: burstKib }, maxCallers);
  const nameOf = (caller: Caller): string => callerOfConnection({ caller }) ?? "";
  return {
    check(caller) {
      const waitMs = buckets.waitMs(nameOf(caller), now());
      if (waitMs === 0) return;
      const message = `reflection gives ${nameOf(caller)} no more than ${kibPerSecond} KiB a second`;
      throw refusal(Code.RESOURCE_EXHAUSTED, message, waitMs);
    },
    spend(caller, bytes) {
      buckets.take(nameOf(caller), now(), bytes / 1_024);
    },
  };
}

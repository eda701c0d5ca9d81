import type { MessageLimits } from "../../core/transport.ts";
import { processMemory } from "../memory-budget.ts";
import { DEFAULT_MAX_RECEIVE_BYTES } from "../message.ts";
import { type Limits, leastBudgetBytes } from "./limits.ts";

/**
 * The budget that was given must hold one message. Of the process's own, which follows from the machine, a message that
 * it cannot hold is told when it comes.
 * @throws TypeError that names the least
 */
export function checkBudget({ memory }: Limits, { maxReceiveMessageBytes }: MessageLimits): void {
  const most = maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES;
  const isEndless = most < 0 || most === Number.POSITIVE_INFINITY;
  const least = leastBudgetBytes(most);
  if (isEndless || memory.bytes >= least || memory === processMemory()) return;
  throw new TypeError(
    `memoryBudgetBytes is ${memory.bytes}, and one message of maxReceiveMessageBytes (${most}) takes ${least}: ` +
      "give so much, or allow smaller messages",
  );
}

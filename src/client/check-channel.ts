import type { BreakerOptions } from "../breaker/breaker.ts";
import { atLeast, checkRanges, numberFrom } from "../core/number-range.ts";
import { checkConnectOptions } from "../transport/check-options.ts";
import type { ChannelOptions } from "./channel.ts";

const noneOrMore = numberFrom(0, { endless: true });
const oneOrMore = atLeast(1);

/** @throws TypeError that names the option that cannot be, and what it can be */
export function checkChannelOptions(options: ChannelOptions): void {
  checkConnectOptions(options);
  checkRanges<Pick<ChannelOptions, "resolveTimeoutMs" | "slowStartMs" | "doubtMs" | "idleTimeoutMs">>(options, {
    resolveTimeoutMs: noneOrMore,
    slowStartMs: noneOrMore,
    doubtMs: noneOrMore,
    idleTimeoutMs: oneOrMore,
  });
  if (options.breaker) checkBreakerOptions(options.breaker);
}

function checkBreakerOptions(options: BreakerOptions): void {
  checkRanges(options, {
    consecutiveFaults: oneOrMore,
    minimumCalls: noneOrMore,
    windowMs: noneOrMore,
    openMs: noneOrMore,
    maxOpenMs: noneOrMore,
    fairTimeMs: noneOrMore,
    probeTimeoutMs: noneOrMore,
    faultRate: numberFrom(0, { most: 1 }),
  });
}

/** @throws TypeError for what is no time to close in */
export function checkCloseTimeout(timeoutMs: number): void {
  if (timeoutMs >= 0) return;
  throw new TypeError(`timeoutMs of close is ${timeoutMs}: give milliseconds, or Infinity for no limit`);
}

import type { Call } from "../core/call.ts";
import type { Clock } from "../core/clock.ts";
import { cancelledBy } from "./resend.ts";

/**
 * Waits, and holds the process meanwhile: a call is being waited for.
 * @throws RpcError of the call's cancellation, as soon as it is cancelled
 */
export function pause(call: Call, delayMs: number, clock: Clock): Promise<void> {
  const { signal } = call;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelledBy(signal));
    const stop = clock.setTimeout(
      () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      },
      delayMs,
      true,
    );
    function onAbort(): void {
      stop();
      reject(cancelledBy(signal));
    }
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

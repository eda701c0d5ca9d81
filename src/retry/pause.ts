import type { Call } from "../core/call.ts";
import type { Clock } from "../core/clock.ts";
import type { RpcError } from "../core/rpc-error.ts";

/**
 * Waits, and holds the process meanwhile: a call is being waited for.
 * @throws RpcError of the call's cancellation, as soon as it is cancelled
 */
export function pause({ cancellation }: Call, delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      cancellation?.offCancel(onCancel);
      resolve();
    };
    const stop = clock.setTimeout(over, delayMs, true);
    const onCancel = (reason: RpcError): void => {
      stop();
      reject(reason);
    };
    cancellation?.onCancel(onCancel);
  });
}

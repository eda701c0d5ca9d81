import type { Call } from "../core/call.ts";
import { atDeadline } from "./alarm.ts";
import { deadlinePassed, onCancel } from "./cancelled.ts";

/**
 * Waits no longer than the call may: until its deadline, or until it is cancelled.
 * @param during for the message: `while connecting to 10.0.0.5:50051`
 */
export function withinCall<T>(call: Call, during: string, awaited: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stopAlarm = atDeadline(call.deadline, () => reject(deadlinePassed(call, during)));
  const stopListening = onCancel(call, reject);
  awaited.then(resolve, reject);
  return promise.finally(() => {
    stopAlarm();
    stopListening();
  });
}

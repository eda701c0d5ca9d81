import { AsyncLocalStorage } from "node:async_hooks";
import type { Call, Reply } from "../../core/call.ts";
import { NEVER } from "../../core/deadline.ts";
import type { RpcError } from "../../core/rpc-error.ts";
import { deadlinePassed, onCancel } from "../cancelled.ts";
import { Alarm, type TimerWheel } from "../timer-wheel.ts";

/** A call that waits for a free stream. */
export class WaitingCall extends Alarm {
  readonly call: Call;
  readonly promise: Promise<Reply>;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  /** Its neighbours among those that wait. */
  before: WaitingCall | undefined = undefined;
  behind: WaitingCall | undefined = undefined;
  readonly #address: string;
  readonly #wheel: TimerWheel;
  readonly #giveUp: (error: RpcError) => void;
  readonly #stopListening: () => void;
  /** A stream of requests is the caller's code, which runs in the caller's context. */
  readonly #enter: ReturnType<typeof AsyncLocalStorage.snapshot> | undefined;

  /** @param giveUp called when its deadline passes or it is cancelled */
  constructor(call: Call, address: string, wheel: TimerWheel, giveUp: (error: RpcError) => void) {
    super();
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.call = call;
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
    this.#address = address;
    this.#wheel = wheel;
    this.#giveUp = giveUp;
    this.#enter = call.method.requestStream ? AsyncLocalStorage.snapshot() : undefined;
    if (call.deadline !== NEVER) wheel.set(this, call.deadline);
    this.#stopListening = onCancel(call, (reason) => {
      this.leave();
      giveUp(reason);
    });
  }

  /** It waits no longer: it is made. Never throws: what `make` throws is the call's own affair. */
  start(make: (call: Call) => Promise<Reply>): void {
    this.leave();
    try {
      const reply = this.#enter === undefined ? make(this.call) : this.#enter(make, this.call);
      reply.then(this.resolve, this.reject);
    } catch (error) {
      this.reject(error);
    }
  }

  /** It waits no longer. */
  leave(): void {
    this.#wheel.clear(this);
    this.#stopListening();
  }

  ring(): void {
    this.leave();
    this.#giveUp(deadlinePassed(this.call, `while waiting for a free stream of ${this.#address}`));
  }
}

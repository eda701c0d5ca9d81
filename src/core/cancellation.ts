import type { RpcError } from "./rpc-error.ts";

type Listener = (reason: RpcError) => void;

/** Told of the end of a call: with its error, or with `undefined` where it ended well. */
export type Ended = (error: RpcError | undefined) => void;

/**
 * What ends a call, whether its time has come or not: it was answered, its caller went away, its deadline passed, its
 * connection broke. An AbortSignal is made only when somebody first reads `signal`, since an ordinary call never needs
 * one.
 */
export class Cancellation {
  #reason: RpcError | undefined;
  #controller: AbortController | undefined;
  #listeners: Listener | Set<Listener> | undefined;
  #disowned = false;
  #onDisowned: (() => void)[] | undefined;
  #told = false;
  #outcome: RpcError | undefined;
  #observers: Ended | Ended[] | undefined;

  get reason(): RpcError | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const { reason } = this;
      if (reason !== undefined) this.#controller.abort(reason);
      else if (!this.#disowned) this.heard(true);
    }
    return this.#controller.signal;
  }

  /** True once the call was cancelled or has been answered: it is nobody's parent any more. */
  get over(): boolean {
    return this.#disowned || this.reason !== undefined;
  }

  /** True once its handler is done: whether it was cancelled before makes no difference to what is begun now. */
  get disowned(): boolean {
    return this.#disowned;
  }

  /** Its handler is done. What it began may go on, and belongs to it no longer; `signal` stays as it is. */
  disown(): void {
    if (this.#disowned) return;
    this.#disowned = true;
    this.#listeners = undefined;
    this.heard(false);
    const told = this.#onDisowned;
    if (told === undefined) return;
    this.#onDisowned = undefined;
    for (const each of told) each();
  }

  /** Calls `done` once its handler is done, whether it was cancelled before or not; at once where it is. */
  onDisowned(done: () => void): void {
    if (this.#disowned) done();
    else if (this.#onDisowned === undefined) this.#onDisowned = [done];
    else this.#onDisowned.push(done);
  }

  /**
   * The call is over, its handler too, and its caller has been told: that it went well, or this. Of a call that was
   * cancelled the reason is what its caller was told.
   */
  end(error?: RpcError): void {
    this.disown();
    this.#tell(error);
  }

  /** The first reason stands; later ones are ignored, as is what comes after the end. */
  cancel(reason: RpcError): void {
    if (this.#reason !== undefined) return;
    if (!this.#disowned) {
      this.#reason = reason;
      const listeners = this.#listeners;
      this.#listeners = undefined;
      if (typeof listeners === "function") listeners(reason);
      else if (listeners !== undefined) for (const listener of listeners) listener(reason);
      this.#controller?.abort(reason);
      this.heard(false);
    }
    this.#tell(reason);
  }

  /** Calls `ended` once with how the call ended, as its caller was told; at once where it is over. It must not throw. */
  onEnd(ended: Ended): void {
    if (this.#told) ended(this.#outcome);
    else if (this.#observers === undefined) this.#observers = ended;
    else if (typeof this.#observers === "function") this.#observers = [this.#observers, ended];
    else this.#observers.push(ended);
  }

  #tell(error: RpcError | undefined): void {
    if (this.#told) return;
    this.#told = true;
    this.#outcome = error;
    const observers = this.#observers;
    if (observers === undefined) return;
    this.#observers = undefined;
    if (typeof observers === "function") observers(error);
    else for (const observer of observers) observer(error);
  }

  /** Calls `listener` once when it is cancelled; at once where it has been. */
  onCancel(listener: Listener): void {
    const { reason } = this;
    if (reason !== undefined) listener(reason);
    else if (!this.#disowned) {
      if (this.#listeners === undefined) this.#listeners = listener;
      else if (typeof this.#listeners === "function") this.#listeners = new Set([this.#listeners, listener]);
      else this.#listeners.add(listener);
      this.heard(true);
    }
  }

  /** Forgets a listener. */
  offCancel(listener: Listener): void {
    const listeners = this.#listeners;
    if (typeof listeners === "object") {
      if (!listeners.delete(listener) || listeners.size > 0) return;
    } else if (listeners !== listener) return;
    this.#listeners = undefined;
    if (this.#controller === undefined) this.heard(false);
  }

  /** Told when somebody begins to listen, and when nobody does any more: for what follows others. */
  protected heard(_listening: boolean): void {}
}

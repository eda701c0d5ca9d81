import type { RpcError } from "./rpc-error.ts";

type Listener = (reason: RpcError) => void;

/**
 * What ends a call before its time: its caller went away, its deadline passed, its connection broke. An AbortSignal
 * is made only when somebody first reads `signal`, since an ordinary call never needs one.
 */
export class Cancellation {
  #reason: RpcError | undefined;
  #controller: AbortController | undefined;
  #listeners: Listener[] | undefined;
  #ended = false;

  get reason(): RpcError | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const { reason } = this;
      if (reason !== undefined) this.#controller.abort(reason);
      else if (!this.#ended) this.heard(true);
    }
    return this.#controller.signal;
  }

  /** True once the call was cancelled or has been answered: it is nobody's parent any more. */
  get over(): boolean {
    return this.#ended || this.reason !== undefined;
  }

  /** True once `end` was called: whether it was cancelled before makes no difference to what is begun now. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The call has been answered. What it began may go on, and belongs to it no longer; `signal` stays as it is. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listeners = undefined;
    this.heard(false);
  }

  /** The first reason stands; later ones are ignored, as is what comes after the end. */
  cancel(reason: RpcError): void {
    if (this.#reason !== undefined || this.#ended) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener(reason);
    this.#controller?.abort(reason);
    this.heard(false);
  }

  /** Calls `listener` once when it is cancelled; at once where it has been. */
  onCancel(listener: Listener): void {
    const { reason } = this;
    if (reason !== undefined) listener(reason);
    else if (!this.#ended) {
      if (this.#listeners === undefined) this.#listeners = [listener];
      else this.#listeners.push(listener);
      this.heard(true);
    }
  }

  /** Forgets a listener. */
  offCancel(listener: Listener): void {
    const listeners = this.#listeners;
    const at = listeners?.indexOf(listener) ?? -1;
    if (listeners === undefined || at < 0) return;
    listeners.splice(at, 1);
    if (listeners.length > 0) return;
    this.#listeners = undefined;
    if (this.#controller === undefined) this.heard(false);
  }

  /** Told when somebody begins to listen, and when nobody does any more: for what follows others. */
  protected heard(_listening: boolean): void {}
}

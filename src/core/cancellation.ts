import type { RpcError } from "./rpc-error.ts";

/**
 * What ends a call before its time: its caller went away, its deadline passed, its connection broke. An AbortSignal
 * is made only when somebody first reads `signal`, since an ordinary call never needs one.
 */
export class Cancellation {
  #reason: RpcError | undefined;
  #controller: AbortController | undefined;
  #ended = false;

  get reason(): RpcError | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** True once the call was cancelled or has been answered: it is nobody's parent any more. */
  get over(): boolean {
    return this.#ended || this.#reason !== undefined;
  }

  /** True once `end` was called: whether it was cancelled before makes no difference to what is begun now. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The call has been answered. What it began may go on, and belongs to it no longer; `signal` stays as it is. */
  end(): void {
    this.#ended = true;
  }

  /** The first reason stands; later ones are ignored. */
  cancel(reason: RpcError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

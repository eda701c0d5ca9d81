import type { WaitingCall } from "./waiting-call.ts";

/** Calls that wait for a free stream, in their order. Any of them may leave, at a cost that is the same however many wait. */
export class WaitingCalls {
  size = 0;
  #first: WaitingCall | undefined;
  #last: WaitingCall | undefined;

  push(call: WaitingCall): void {
    this.size++;
    call.before = this.#last;
    if (this.#last === undefined) this.#first = call;
    else this.#last.behind = call;
    this.#last = call;
  }

  shift(): WaitingCall | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes out a call that is among them. */
  remove(call: WaitingCall): void {
    const { before, behind } = call;
    this.size--;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    call.before = undefined;
    call.behind = undefined;
  }
}

/** What takes its turn to send on a connection. */
export interface Turn {
  /** @internal true while it stands in the queue */
  queued: boolean;
  /** @internal */
  nextInQueue: Turn | undefined;
}

/** Streams that have something to send, each with its turn: a large message does not hold up small ones. */
export class SendQueue<T extends Turn> {
  #first: T | undefined;
  #last: T | undefined;

  get empty(): boolean {
    return this.#first === undefined;
  }

  push(turn: T): void {
    if (turn.queued) return;
    turn.queued = true;
    if (this.#last === undefined) this.#first = turn;
    else this.#last.nextInQueue = turn;
    this.#last = turn;
  }

  shift(): T | undefined {
    const turn = this.#first;
    if (turn === undefined) return undefined;
    this.#first = turn.nextInQueue as T | undefined;
    if (this.#first === undefined) this.#last = undefined;
    turn.nextInQueue = undefined;
    turn.queued = false;
    return turn;
  }
}

import { now } from "../../core/deadline.ts";
import type { Method } from "../../core/method.ts";
import type { HeldRequest } from "../held-request.ts";
import { Alarm } from "../timer-wheel.ts";
import type { ServerConnection } from "./server-connection.ts";

/** So long, in milliseconds, a handler keeps its place on the connection once its call is over. */
const GRACE_MS = 1000;
/** So long after it its request counts. */
const HOLD_MS = 5 * 60_000;

/**
 * A handler that goes on though its call is over. It keeps its place for a while, so that a client cannot begin and reset
 * calls faster than handlers hear of it; and no longer, for one that never ends would hold the place for good. What it
 * holds of its request counts much longer: that is memory, as long as it lasts.
 */
export class Overrun extends Alarm {
  readonly #connection: ServerConnection;
  readonly #method: Method;
  readonly #held: HeldRequest | undefined;
  #isOverdue = false;

  constructor(connection: ServerConnection, method: Method, held: HeldRequest | undefined) {
    super();
    this.#connection = connection;
    this.#method = method;
    this.#held = held;
    connection.wheel.set(this, now() + GRACE_MS);
  }

  ring(): void {
    if (this.#isOverdue) {
      this.#held?.set(0);
      return;
    }
    this.#isOverdue = true;
    this.#connection.handlerDone();
    this.#connection.overran(this.#method);
    if (this.#held !== undefined) this.#connection.wheel.set(this, now() + HOLD_MS);
  }

  /** The handler is done at last. */
  done(): void {
    if (this.slot < 0) return;
    this.#connection.wheel.clear(this);
    if (!this.#isOverdue) this.#connection.handlerDone();
  }
}

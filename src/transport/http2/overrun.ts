import { now } from "../../core/deadline.ts";
import type { Method } from "../../core/method.ts";
import { Alarm } from "../timer-wheel.ts";
import type { ServerConnection } from "./server-connection.ts";

/** So long, in milliseconds, a handler keeps its place on the connection once its call is over. */
const GRACE_MS = 1000;

/**
 * A handler that goes on though its call is over. It keeps its place for a while, so that a client cannot begin and reset
 * calls faster than handlers hear of it; and no longer, for one that never ends would hold the place for good.
 */
export class Overrun extends Alarm {
  readonly #connection: ServerConnection;
  readonly #method: Method;

  constructor(connection: ServerConnection, method: Method) {
    super();
    this.#connection = connection;
    this.#method = method;
    connection.wheel.set(this, now() + GRACE_MS);
  }

  ring(): void {
    this.#connection.handlerDone();
    this.#connection.overran(this.#method);
  }

  /** The handler is done at last. */
  done(): void {
    if (this.slot < 0) return;
    this.#connection.wheel.clear(this);
    this.#connection.handlerDone();
  }
}

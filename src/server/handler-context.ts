import type { Call, Caller, ValueKey } from "../core/call.ts";
import { Cancellation } from "../core/cancellation.ts";
import { Metadata, type MetadataInit } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import { shownAs } from "../core/shown-as.ts";
import type { Draining } from "./draining.ts";

const nobody: Caller = Object.freeze({ address: "" });
const neverDraining: Pick<Draining, "signalFor"> = { signalFor: () => new Cancellation().signal };

/** What a handler sees of its call beside the request. */
export class HandlerContext {
  readonly #call: Call;
  readonly #draining: Pick<Draining, "signalFor">;
  #drainingSignal: AbortSignal | undefined;
  #header: Metadata = Metadata.EMPTY;
  #trailer: Metadata = Metadata.EMPTY;

  constructor(call: Call, draining: Pick<Draining, "signalFor"> = neverDraining) {
    this.#call = call;
    this.#draining = draining;
  }

  /** What is called, as the contract has it. */
  get method(): Method {
    return this.#call.method;
  }

  /** What the client sent along. */
  get metadata(): Metadata {
    return this.#call.metadata;
  }

  /** Who calls, and what its certificate says under mutual TLS. */
  get peer(): Caller {
    return this.#call.caller ?? nobody;
  }

  /** When the call must be answered, on the clock of `performance.now()`; `Infinity` without a deadline. */
  get deadline(): number {
    return this.#call.deadline;
  }

  /** Milliseconds left until the deadline; `Infinity` without one. */
  get remainingMs(): number {
    return this.#call.remainingMs;
  }

  /** Aborts when the client cancels, the deadline passes or the connection breaks. Its reason is an `RpcError`. */
  get signal(): AbortSignal {
    return this.#call.signal ?? new Cancellation().signal;
  }

  /**
   * Aborts when the server drains: it has left the registry, and its clients have been told to go elsewhere. A stream
   * that would go on for long ends now, and `close()` need not wait for it. Its reason is an `RpcError` UNAVAILABLE; what
   * a handler throws because of it, an AbortError too, ends the call with that.
   *
   * ```ts
   * async *follow({ topic }, { signal, draining }) {
   *   yield* changesOf(topic, { signal: AbortSignal.any([signal, draining]) });
   * }
   * ```
   */
  get draining(): AbortSignal {
    this.#drainingSignal ??= this.#draining.signalFor(this.#call);
    return this.#drainingSignal;
  }

  /** What an interceptor attached under a key. */
  get<T>(key: ValueKey<T>): T | undefined {
    return this.#call.get(key);
  }

  /** What is sent before the first message. Set it before you answer or yield. */
  get header(): Metadata {
    return this.#header;
  }
  set header(init: MetadataInit) {
    this.#header = Metadata.from(init);
  }

  /** What is sent after the last message. */
  get trailer(): Metadata {
    return this.#trailer;
  }
  set trailer(init: MetadataInit) {
    this.#trailer = Metadata.from(init);
  }
}

shownAs(HandlerContext.prototype, "HandlerContext", ({ method: { path }, peer, remainingMs }) => ({
  method: path,
  peer: peer.address,
  remainingMs,
}));

import type { CallRecord } from "./call-record.ts";
import { layOutStack } from "./call-site.ts";
import { Code, type CodeName, codeFrom, codeName } from "./code.ts";
import { type Ending, recordFrom } from "./ending.ts";
import { explainCall } from "./explain-call.ts";
import type { MessageInit, MessageType } from "./message.ts";
import { Metadata } from "./metadata.ts";
import { pushbackOf } from "./pushback.ts";

/** One of `google.rpc.Status`'s details: the full name of a message, and its bytes. */
export interface ErrorDetail {
  readonly type: string;
  readonly value: Uint8Array;
}

export interface RpcErrorOptions {
  /** Rich details, sent in `grpc-status-details-bin`. Make one with `detail(Type, message)`. */
  readonly details?: readonly ErrorDetail[];
  /** What came with the status: the trailers. */
  readonly metadata?: Metadata;
  /** What came before the first message, where that was received. */
  readonly header?: Metadata;
  readonly cause?: unknown;
  /** True when no server can have begun to work on the call, so that sending it again is always safe. */
  readonly unprocessed?: boolean;
  /** True when the connection broke while the call was under way: a server may or may not have worked on it. */
  readonly disconnected?: boolean;
  /** True when it was made on this side, of something that was done here: no server had a part in it. */
  readonly local?: boolean;
  /** True when nobody above should send the call again. By default what the trailers say: a pushback of `-1`. */
  readonly final?: boolean;
  /** The address of the peer that the attempt went to. */
  readonly peer?: string;
  /** The path of the method that a client called. */
  readonly method?: string;
}

/** Has an error carry how its call ended, unless it does already. */
export let keepEnding: (error: RpcError, ending: () => Ending) => void;

const brand: unique symbol = Symbol.for("trunkline.RpcError") as never;

/**
 * The one error of every call: gRPC's code and message, and what came with them. Whoever prints it sees its code, method
 * and peer; details and metadata, which may be long or secret, are there to be asked for.
 */
export class RpcError extends Error {
  readonly code: Code;
  // What follows stands in the prototype where it says nothing, so that nobody need read it there.
  declare readonly unprocessed: boolean;
  declare readonly disconnected: boolean;
  /** It is never held against a server, and the call is not sent again. */
  declare readonly local: boolean;
  /** A server carries it to its client as `grpc-retry-pushback-ms: -1`. */
  declare readonly final: boolean;
  /** Set by the client whose call failed. A handler that lets it through gives its own client the code, not the text. */
  declare method: string | undefined;
  /** The address of the server that the last attempt went to; `undefined` where none was picked. */
  declare peer: string | undefined;
  readonly #details: readonly ErrorDetail[];
  readonly #metadata: Metadata;
  readonly #header: Metadata;
  #ending: Ending | undefined;

  /** @param code OK, and what gRPC does not define, becomes UNKNOWN: an error is never taken for a success */
  constructor(code: Code, message: string, options: RpcErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code === Code.OK ? Code.UNKNOWN : codeFrom(code);
    this.#details = options.details ?? [];
    this.#metadata = options.metadata ?? Metadata.EMPTY;
    this.#header = options.header ?? Metadata.EMPTY;
    if (options.unprocessed) this.unprocessed = true;
    if (options.disconnected) this.disconnected = true;
    if (options.local) this.local = true;
    if (options.final ?? pushbackOf(this.#metadata) === "never") this.final = true;
    if (options.method !== undefined) this.method = options.method;
    if (options.peer !== undefined) this.peer = options.peer;
    layOutStack(this);
  }

  get details(): readonly ErrorDetail[] {
    return this.#details;
  }

  get metadata(): Metadata {
    return this.#metadata;
  }

  get header(): Metadata {
    return this.#header;
  }

  /** A copy with these changes. */
  with(changes: RpcErrorOptions): RpcError {
    const { code, message, details, metadata, header, cause, unprocessed, disconnected, local, final, peer, method } =
      this;
    const copy = new RpcError(code, message, {
      details,
      metadata,
      header,
      unprocessed,
      disconnected,
      local,
      final,
      peer,
      method,
      ...(cause !== undefined && { cause }),
      ...changes,
    });
    copy.#ending = this.#ending;
    return copy;
  }

  /**
   * What was decided about the call of a client that failed with this: what the registry said, how the peers stood, each
   * attempt, and what would have helped. Plain data without messages and metadata; `undefined` for an error of no call.
   */
  get record(): CallRecord | undefined {
    const ending = this.#ending;
    if (ending === undefined) return undefined;
    ending.record ??= recordFrom(ending, this.codeName, this.message);
    return ending.record;
  }

  /** The record as text for a person: `console.error(error.explain())`. */
  explain(): string {
    const { record } = this;
    return record === undefined
      ? `${this}\n  there is no record: it is of no call that a client made`
      : explainCall(record);
  }

  /** The code in words: `NOT_FOUND`. */
  get codeName(): CodeName {
    return codeName(this.code);
  }

  /** The details of one type, decoded. One that does not decode is left out. */
  detailsOf<T>(type: MessageType<T>): T[] {
    const found: T[] = [];
    for (const each of this.details) {
      if (each.type !== type.$type) continue;
      try {
        found.push(type.decode(each.value));
      } catch {
        // A detail is a help, never a second error in place of the first.
      }
    }
    return found;
  }

  static {
    keepEnding = (error, ending) => {
      if (#ending in error) error.#ending ??= ending();
    };
  }

  /** True for an RpcError of any copy of this package in the process. */
  static is(error: unknown): error is RpcError {
    return typeof error === "object" && error !== null && brand in error;
  }

  /**
   * Makes an RpcError of anything thrown. An `AbortError` is CANCELLED, a `TimeoutError` (as of
   * `AbortSignal.timeout`) DEADLINE_EXCEEDED, everything else `otherwise`, UNKNOWN by default. What was no RpcError was
   * thrown on this side, so it is `local`. An RpcError is handed on, of another copy of this package as one of this.
   */
  static from(error: unknown, otherwise: Code = Code.UNKNOWN): RpcError {
    if (RpcError.is(error)) return error instanceof RpcError ? error : adopted(error);
    const options = { cause: error, local: true };
    if (!(error instanceof Error)) return new RpcError(otherwise, String(error), options);
    if (error.name === "AbortError") return new RpcError(Code.CANCELLED, error.message, options);
    if (error.name === "TimeoutError") return new RpcError(Code.DEADLINE_EXCEEDED, error.message, options);
    return new RpcError(otherwise, error.message, options);
  }

  /** As `from`, of what was thrown on this side whatever it is: `local`, an RpcError too. */
  static local(error: unknown, otherwise: Code = Code.UNKNOWN): RpcError {
    const made = RpcError.from(error, otherwise);
    return made.local ? made : made.with({ local: true, cause: error });
  }

  override toString(): string {
    return `${this.name} ${this.codeName}: ${this.message}`;
  }

  /** For logs: what it says and where, the types of its details, and nothing that may be long or secret. */
  toJSON(): object {
    const { name, codeName, message, details, cause, ...told } = this;
    return {
      name,
      codeName,
      message,
      ...told,
      ...(details.length > 0 && { details: details.map(({ type }) => type) }),
      ...(cause !== undefined && { cause: String(cause) }),
    };
  }
}

/** An error of another copy of this package, which may be older and know less of it. */
function adopted(other: RpcError): RpcError {
  const { code, message, details, unprocessed, disconnected, peer, method } = other;
  const { local = false, final } = other as Partial<RpcError>;
  return new RpcError(code, message, {
    details,
    metadata: Metadata.fromFlat(other.metadata.flat),
    header: Metadata.fromFlat(other.header.flat),
    unprocessed,
    disconnected,
    local,
    ...(final !== undefined && { final }),
    cause: other,
    peer,
    method,
  });
}

Object.defineProperty(RpcError.prototype, "name", { value: "RpcError", configurable: true, writable: true });
Object.defineProperty(RpcError.prototype, brand, { value: true });
for (const flag of ["unprocessed", "disconnected", "local", "final"]) {
  Object.defineProperty(RpcError.prototype, flag, { value: false, writable: true });
}
for (const place of ["method", "peer"]) Object.defineProperty(RpcError.prototype, place, { writable: true });

/** A rich detail for an error: `new RpcError(code, text, { details: [detail(BadRequest, { … })] })`. */
export function detail<T>(type: MessageType<T>, message: MessageInit<T>): ErrorDetail {
  return { type: type.$type, value: type.encode(type.fromPartial(message as never)).finish() };
}

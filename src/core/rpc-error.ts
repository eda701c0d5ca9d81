import { Code, type CodeName, codeName } from "./code.ts";
import type { MessageInit, MessageType } from "./message.ts";
import { Metadata } from "./metadata.ts";

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
  /** The address of the peer that the attempt went to. */
  readonly peer?: string;
}

const brand: unique symbol = Symbol.for("trunkline.RpcError") as never;

/** The one error of every call: gRPC's code and message, and what came with them. */
export class RpcError extends Error {
  readonly code: Code;
  readonly details: readonly ErrorDetail[];
  readonly metadata: Metadata;
  readonly header: Metadata;
  readonly unprocessed: boolean;
  readonly disconnected: boolean;
  /** Set by the balancer on its way up; `undefined` where no peer was picked. */
  peer: string | undefined;

  constructor(code: Code, message: string, options: RpcErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? [];
    this.metadata = options.metadata ?? Metadata.EMPTY;
    this.header = options.header ?? Metadata.EMPTY;
    this.unprocessed = options.unprocessed ?? false;
    this.disconnected = options.disconnected ?? false;
    this.peer = options.peer;
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

  /** True for an RpcError of any copy of this package in the process. */
  static is(error: unknown): error is RpcError {
    return typeof error === "object" && error !== null && brand in error;
  }

  /**
   * Makes an RpcError of anything thrown. An `AbortError` is CANCELLED, a `TimeoutError` (as of
   * `AbortSignal.timeout`) DEADLINE_EXCEEDED, everything else `otherwise`, UNKNOWN by default.
   */
  static from(error: unknown, otherwise: Code = Code.UNKNOWN): RpcError {
    if (RpcError.is(error)) return error;
    if (error instanceof Error) {
      if (error.name === "AbortError") return new RpcError(Code.CANCELLED, error.message, { cause: error });
      if (error.name === "TimeoutError") return new RpcError(Code.DEADLINE_EXCEEDED, error.message, { cause: error });
      return new RpcError(otherwise, error.message, { cause: error });
    }
    return new RpcError(otherwise, String(error), { cause: error });
  }

  override toString(): string {
    return `${this.name} ${this.codeName}: ${this.message}`;
  }
}

Object.defineProperty(RpcError.prototype, "name", { value: "RpcError", configurable: true, writable: true });
Object.defineProperty(RpcError.prototype, brand, { value: true });
// How it reads in a log: the code's name stands before the message, and nothing is printed twice.
Object.defineProperty(RpcError.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: RpcError): string {
    return `${this.codeName} ${this.stack ?? `${this.name}: ${this.message}`}`;
  },
});

/** A rich detail for an error: `new RpcError(code, text, { details: [detail(BadRequest, { … })] })`. */
export function detail<T>(type: MessageType<T>, message: MessageInit<T>): ErrorDetail {
  return { type: type.$type, value: type.encode(type.fromPartial(message as never)).finish() };
}

import type { Cancellation } from "./cancellation.ts";
import { NEVER, now } from "./deadline.ts";
import type { LateRequest } from "./late-request.ts";
import { Metadata } from "./metadata.ts";
import type { Method } from "./method.ts";
import type { MethodPolicy } from "./policy.ts";
import { Scope } from "./scope.ts";
import { shownAs } from "./shown-as.ts";

/**
 * Whom a certificate was made out to, by the short names of the fields: `{ CN: "billing", O: "Example" }`. A field that
 * occurs more than once is a list. What stands in a value, a comma or an equals sign, is never taken for another field.
 */
export type CertificateSubject = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Who is at the other end of a connection, as a server sees it. */
export interface Caller {
  /** `host:port`, IPv6 in brackets. */
  readonly address: string;
  /** What the client's certificate says, where mutual TLS was asked for and the certificate was verified. */
  readonly tls?: {
    readonly subject: CertificateSubject;
    /** With what each is: `DNS:billing.example`, `URI:spiffe://example/billing`, `IP Address:10.0.0.5`. */
    readonly alternativeNames: readonly string[];
    readonly fingerprint256: string;
  };
}

/** A key for a value that interceptors attach to a call: `const user = valueKey<User>("user")`. */
export interface ValueKey<T> {
  readonly description: string;
  /** Holds the type; never set. */
  readonly type?: T;
}

export function valueKey<T>(description: string): ValueKey<T> {
  return Object.freeze({ description });
}

export interface CallInit {
  readonly method: Method;
  /** One message, or an AsyncIterable of them where the method streams requests. */
  readonly request: unknown;
  /** On a server, in place of `request`: it is decoded when somebody looks. */
  readonly late?: LateRequest | undefined;
  readonly metadata?: Metadata;
  /** On the clock of `now()` in milliseconds; `NEVER` by default. */
  readonly deadline?: number;
  /** What ends the call early; a signal is followed. */
  readonly cancellation?: AbortSignal | Cancellation | undefined;
  /** `cancellation` by default. */
  readonly origin?: Cancellation | undefined;
  readonly attempt?: number;
  readonly avoid?: string | undefined;
  readonly policy?: MethodPolicy | undefined;
  readonly waitForReady?: boolean | undefined;
  readonly background?: boolean | undefined;
  readonly caller?: Caller | undefined;
  readonly values?: ReadonlyMap<ValueKey<unknown>, unknown> | undefined;
}

/**
 * One call, or on the client one attempt at it. Immutable: an interceptor passes on `next(call.with({ metadata }))`,
 * so that attempt 2 never inherits what attempt 1 changed.
 */
export class Call {
  readonly method: Method;
  readonly request: unknown;
  /** On a server, where the request is compressed or large: what decodes it. */
  readonly late: LateRequest | undefined;
  readonly metadata: Metadata;
  readonly deadline: number;
  /** The scope of the call, as its owner made it: what ends it early. `undefined` where only its deadline can. */
  readonly cancellation: Cancellation | undefined;
  /** The cancellation that the call began with, and that is told of its end, whatever interceptors put in its place. */
  readonly origin: Cancellation | undefined;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The address that the attempt before went to; a balancer picks another where it can. */
  readonly avoid: string | undefined;
  /** What this call asks for itself, over the channel's and the contract's policy. */
  readonly policy: MethodPolicy | undefined;
  /** Where no server can take it, it waits for one until its deadline. */
  readonly waitForReady: boolean;
  /** It goes on behind the calls that somebody waits for, as a watch does: it does not keep the process alive. */
  readonly background: boolean;
  /** On a server, who calls. */
  readonly caller: Caller | undefined;
  readonly values: ReadonlyMap<ValueKey<unknown>, unknown> | undefined;

  constructor(init: CallInit) {
    this.method = init.method;
    this.request = init.request;
    const { late } = init;
    this.late = late;
    if (late !== undefined) decodeWhenRead(this, late);
    this.metadata = init.metadata ?? Metadata.EMPTY;
    this.deadline = init.deadline ?? NEVER;
    const { cancellation } = init;
    this.cancellation = cancellation instanceof AbortSignal ? following(cancellation, init.origin) : cancellation;
    this.origin = init.origin ?? this.cancellation;
    this.attempt = init.attempt ?? 1;
    this.avoid = init.avoid;
    this.policy = init.policy;
    this.waitForReady = init.waitForReady ?? false;
    this.background = init.background ?? false;
    this.caller = init.caller;
    this.values = init.values;
  }

  /** Aborts when the call is over before its time. `undefined` where nothing can end it but its deadline. */
  get signal(): AbortSignal | undefined {
    return this.cancellation?.signal;
  }

  /** Milliseconds left; `Infinity` without a deadline, 0 when it has passed. */
  get remainingMs(): number {
    return this.deadline === NEVER ? NEVER : Math.max(0, this.deadline - now());
  }

  /** A copy with these changes. */
  with(changes: Partial<CallInit>): Call {
    const late = "request" in changes ? undefined : this.late;
    return new Call({
      method: this.method,
      request: this.late === undefined ? this.request : undefined,
      late,
      metadata: this.metadata,
      deadline: this.deadline,
      cancellation: this.cancellation,
      origin: this.origin,
      attempt: this.attempt,
      avoid: this.avoid,
      policy: this.policy,
      waitForReady: this.waitForReady,
      background: this.background,
      caller: this.caller,
      values: this.values,
      ...changes,
    });
  }

  /** What an interceptor attached under a key. */
  get<T>(key: ValueKey<T>): T | undefined {
    return this.values?.get(key) as T | undefined;
  }

  /** A copy with a value attached, for interceptors further on and for the handler. */
  set<T>(key: ValueKey<T>, value: T): Call {
    return this.with({ values: new Map(this.values).set(key, value) });
  }
}

shownAs(Call.prototype, "Call", ({ method: { path }, attempt, remainingMs, caller }) => ({
  method: path,
  attempt,
  remainingMs,
  ...(caller !== undefined && { caller: caller.address }),
}));

/** A signal in the place of a call's own cancellation may outlive the call by far: it is followed for as long as that. */
function following(signal: AbortSignal, origin: Cancellation | undefined): Scope {
  const scope = new Scope(signal);
  origin?.onDisowned(() => scope.end());
  return scope;
}

function decodeWhenRead(call: Call, late: LateRequest): void {
  Object.defineProperty(call, "request", { get: () => late.message, enumerable: true });
}

/** The answer to a call. */
export interface Reply {
  /**
   * One message, or an AsyncIterable of them where the method streams replies. Such a reply stands once the stream has
   * opened: with its first message, or with its end.
   */
  readonly response: unknown;
  /** What was sent before the first message. */
  readonly header: Metadata;
  /** What was sent after the last message: complete once a stream has ended, so an interceptor hands it on by a getter. */
  readonly trailer: Metadata;
}

/** Answers a call. Rejects with an `RpcError`. */
export type Handler = (call: Call) => Promise<Reply>;

/** Wraps a handler, on a client or on a server. */
export type Interceptor = (next: Handler) => Handler;

/** Wraps a handler in interceptors; the first of them is the outermost. */
export function intercept(handler: Handler, interceptors: readonly Interceptor[]): Handler {
  return interceptors.reduceRight((next, interceptor) => interceptor(next), handler);
}

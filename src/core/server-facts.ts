/** What happens in a server, and at its limits. */
export interface ServerFacts {
  listening: { readonly address: string; readonly services: readonly string[] };
  "drain-began": { readonly address: string; readonly inflight: number };
  /** What is `left` then is ended. */
  "drain-ended": { readonly address: string; readonly left: number; readonly tookMs: number };
  /** So many calls are ended before their time. */
  "calls-cut": { readonly address: string; readonly left: number };
  "server-closed": { readonly address: string };
  /** The registry failed to take a server out: clients may still be sent to it. */
  "deregistration-failed": { readonly error: unknown };
  /** A handler or an interceptor threw something that is not an RpcError. */
  "handler-threw": { readonly method: string; readonly error: unknown };
  /** A handler let through the error of a call that it made. */
  "error-let-through": {
    readonly method: string;
    readonly called: string | undefined;
    readonly peer: string | undefined;
    readonly error: unknown;
  };
  /** A handler's reply has the wrong shape. */
  "reply-malformed": { readonly method: string; readonly error: unknown };
  "reply-unsent": { readonly method: string; readonly error: unknown };

  /** A call was refused before any work. */
  "limit-refused": {
    readonly limit: "concurrency" | "rate";
    readonly method: string;
    readonly caller: string | undefined;
    readonly reason: string;
  };
  /** A call waits, since the server is full. */
  "call-queued": { readonly method: string; readonly waiting: number };
  /** One that waited goes on: it starts, or it has waited for nothing. */
  "call-dequeued": {
    readonly method: string;
    readonly waiting: number;
    readonly waitedMs: number;
    readonly started: boolean;
  };
  "limit-full": { readonly limit: number; readonly refused: number };
  "limit-free": { readonly limit: number; readonly refused: number };
  /** Handlers go on though their calls are over. Told once in ten seconds at most, with one of their methods. */
  "handlers-abandoned": { readonly method: string; readonly handlers: number };
  /** A caller is not let in: what it brings is not right. */
  "caller-refused": { readonly method: string; readonly caller: string | undefined; readonly why: string };
  /** A rate limit names what its server does not have. */
  "names-unknown": { readonly names: readonly string[] };

  /** A listener that a user gave has thrown, or an observer has. */
  "listener-threw": {
    /** What it listened to: `the channel's state`, `the registry`, `the breaker`. */
    readonly to: string;
    readonly service: string | undefined;
    readonly peer: string | undefined;
    readonly error: unknown;
  };
}

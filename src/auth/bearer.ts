import type { Call, Handler, Interceptor, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { atLeast, checkRanges } from "../core/number-range.ts";
import { checkNames } from "../core/option-names.ts";
import { RpcError } from "../core/rpc-error.ts";
import { heldRequests } from "../retry/request.ts";
import { createTokenKeeper, type TokenSource } from "./token-keeper.ts";

export interface BearerOptions {
  /** Milliseconds before its end at which a token is renewed; 60,000 by default, and no more than a fifth of its life. */
  readonly renewBeforeMs?: number | undefined;
  /** Milliseconds that the source may take; 10,000 by default. */
  readonly renewTimeoutMs?: number | undefined;
  /** The time in milliseconds, for tests; the system's by default. */
  readonly now?: (() => number) | undefined;
}

/**
 * A client interceptor that sends a token with each call: `authorization: Bearer …`. The source is asked when the first
 * call is made, again before the token ends, while the old one goes on to serve, and once where a server says
 * UNAUTHENTICATED: then the call is made once more with what is new, unless its stream of requests has been read from. A
 * call that brings its own `authorization` keeps it.
 *
 * ```ts
 * createChannel({ registry, tls, interceptors: [bearer(async () => (await login()).access_token)] });
 * ```
 *
 * When a JSON Web Token ends is read from it; of other tokens the source says so: `{ token, expiresAtMs }`. Give it to
 * channels with `tls`: whoever reads along has the token.
 */
export function bearer(source: TokenSource | string, options: BearerOptions = {}): Interceptor {
  checkNames(options, { renewBeforeMs: true, renewTimeoutMs: true, now: true }, "bearer");
  checkRanges(options, { renewBeforeMs: atLeast(0), renewTimeoutMs: atLeast(1) });
  if (typeof source !== "string" && typeof source !== "function") {
    throw new TypeError("bearer wants a token, or a function that gives one");
  }
  const { renewBeforeMs = 60_000, renewTimeoutMs = 10_000, now = Date.now } = options;
  const ask = typeof source === "string" ? () => source : source;
  const tokens = createTokenKeeper({ ask, renewBeforeMs, renewTimeoutMs, now });

  return (next) =>
    async (call): Promise<Reply> => {
      if (call.metadata.has("authorization")) return next(call);
      const token = await tokens.current().catch((cause) => Promise.reject(noToken(call, cause)));
      const requests = heldRequests(call);
      const send = (by: string): Promise<Reply> => withToken(next, call, by, requests?.next());
      try {
        return await send(token);
      } catch (error) {
        if (!isRefused(error)) throw error;
        const renewed = await tokens.after(token).catch(() => token);
        if (renewed !== token && requests?.begun !== true) return send(renewed);
        requests?.release();
        throw error;
      }
    };
}

function withToken(
  next: Handler,
  call: Call,
  token: string,
  request: AsyncIterable<unknown> | undefined,
): Promise<Reply> {
  const metadata = call.metadata.with("authorization", `Bearer ${token}`);
  return next(call.with(request === undefined ? { metadata } : { metadata, request }));
}

function isRefused(error: unknown): boolean {
  return RpcError.is(error) && error.code === Code.UNAUTHENTICATED && !error.local && !error.final;
}

function noToken({ method }: Call, cause: unknown): RpcError {
  const why = `no token could be had for ${method.path}; the error's cause says why`;
  return new RpcError(Code.UNAUTHENTICATED, why, { cause, local: true });
}

import type { Call } from "../core/call.ts";
import type { Ended } from "../core/cancellation.ts";
import { Code } from "../core/code.ts";
import type { Facts } from "../core/facts.ts";
import type { Method } from "../core/method.ts";
import { pushbackOf, RETRY_PUSHBACK } from "../core/pushback.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { HandlerContext } from "./handler-context.ts";

/** What a server makes of what goes wrong in a call, for its client and for its log. */
export interface Failures {
  /**
   * What a client may learn of a failure. An RpcError is the handler's own word. One that came from a call made in turn
   * gives the client its code, and whether it is final; its text, details and trailers name what is behind this server.
   * They stay in its log, as does anything else that is thrown. What the handler had set in its context goes along.
   */
  toStatus(call: Call, thrown: unknown, context?: HandlerContext): RpcError;
  /** To be told of the end of each call of a method: tells what its handler can know nothing of. */
  endedIn(method: Method): Ended;
}

export function createFailures(facts: Facts): Failures {
  /** Those among the words of handlers and interceptors that look as if the transport had made them. */
  const words = new WeakSet<RpcError>();

  function statusOf(call: Call, thrown: unknown): RpcError {
    const { path } = call.method;
    const gone = call.cancellation?.reason;
    if (!RpcError.is(thrown)) {
      // A handler that stops because nobody waits any more throws what it likes; that is no fault of its own.
      if (gone !== undefined) return gone;
      facts.on["handler-threw"]?.({ method: path, error: thrown });
      return new RpcError(Code.UNKNOWN, `${path} failed; the server's log has the reason`, { cause: thrown });
    }
    const error = RpcError.from(thrown);
    const { code, final, peer, method: called } = error;
    if (called === undefined && peer === undefined) return forTheWire(error);
    // What it called ended with it.
    if (gone !== undefined) return gone;
    facts.on["error-let-through"]?.({ method: path, called, peer, error: thrown });
    const text = `${path} failed in a call that it made; the server's log has the reason`;
    return forTheWire(new RpcError(code, text, { final, cause: thrown }));
  }

  return {
    toStatus(call, thrown, context) {
      const status = statusOf(call, thrown);
      const error = context === undefined ? status : withMetadata(status, context);
      if (error.local) words.add(error);
      return error;
    },
    endedIn({ path }) {
      return (error) => {
        if (error === undefined || !error.local || words.has(error)) return;
        facts.on["reply-unsent"]?.({ method: path, error });
      };
    },
  };
}

function forTheWire(error: RpcError): RpcError {
  if (!error.final || pushbackOf(error.metadata) === "never") return error;
  return error.with({ metadata: error.metadata.withReserved(RETRY_PUSHBACK, "-1") });
}

/** The status with what the handler had set to be sent along. */
function withMetadata(error: RpcError, { header, trailer }: HandlerContext): RpcError {
  if (header.size === 0 && trailer.size === 0) return error;
  return error.with({ metadata: trailer.append(error.metadata), header });
}

import type { Call, Reply } from "../core/call.ts";
import type { Cancellation } from "../core/cancellation.ts";
import { Code } from "../core/code.ts";
import { NEVER } from "../core/deadline.ts";
import { noReply } from "../core/no-reply.ts";
import { RpcError } from "../core/rpc-error.ts";
import { Alarm, TimerWheel } from "../transport/timer-wheel.ts";
import type { Channel } from "./channel.ts";
import { RequestStream } from "./request-stream.ts";

/** The transport keeps the deadline, and can say where the call was. Only what never came to it is ended from here. */
const BACKSTOP_MS = 20;
/** One for the process, as Node's own timers are; a call that is held is under way, and holds the process. */
const wheel = new TimerWheel({ holds: true });

/** Makes a call within its scope, which ends with the reply. For a reply that is one message. */
export function inScope(channel: Channel, call: Call): Promise<Reply> {
  const end = beginScope(channel, call);
  return handled(channel, call).then(
    (reply) => {
      end();
      return reply;
    },
    (error) => {
      end();
      throw error;
    },
  );
}

/** Begins the scope of a call: holds it to its deadline where `direct` does not. Returns how to end it, once. */
export function beginScope({ direct }: Channel, call: Call): () => void {
  if (direct || call.deadline === NEVER) return () => endScope(call);
  const backstop = new Backstop(call);
  wheel.set(backstop, call.deadline + BACKSTOP_MS);
  return () => {
    wheel.clear(backstop);
    endScope(call);
  };
}

class Backstop extends Alarm {
  readonly #call: Call;

  constructor(call: Call) {
    super();
    this.#call = call;
  }

  ring(): void {
    this.#call.cancellation?.cancel(heldTooLong(this.#call));
  }
}

/** What belongs to a call is let go of: its caller's signal, the call that it was made for, the source of its requests. */
export function endScope({ cancellation, request }: Call): void {
  cancellation?.end();
  if (request instanceof RequestStream) request.release();
}

function heldTooLong({ method }: Call): RpcError {
  const why = `the deadline of ${method.path} passed while an interceptor of the client had hold of it`;
  return new RpcError(Code.DEADLINE_EXCEEDED, why, { local: true });
}

/** The reply of a channel; what an interceptor throws, at once or later, is an `RpcError` like any other. */
export function handled(channel: Channel, call: Call): Promise<Reply> {
  if (!channel.direct) {
    const reply = replyOf(channel, call);
    return call.cancellation === undefined ? reply : within(call.cancellation, reply);
  }
  try {
    return channel.handle(call);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function replyOf({ handle }: Channel, call: Call): Promise<Reply> {
  let reply: Reply | undefined;
  try {
    reply = await handle(call);
  } catch (error) {
    throw RpcError.from(error);
  }
  if (reply === undefined || reply === null) throw noReply(call.method);
  return reply;
}

/**
 * Settles as `work` does. Where the scope is cancelled and `work` has nothing to say of it within a turn of the event
 * loop, it rejects with the reason.
 */
export function within<T>(scope: Cancellation, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onCancel = (reason: RpcError): void => void setImmediate(reject, reason);
    scope.onCancel(onCancel);
    work.then(
      (value) => {
        scope.offCancel(onCancel);
        resolve(value);
      },
      (error) => {
        scope.offCancel(onCancel);
        reject(error);
      },
    );
  });
}

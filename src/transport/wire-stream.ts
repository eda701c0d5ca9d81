import type { Code } from "../core/code.ts";
import type { Metadata } from "../core/metadata.ts";
import type { RpcError } from "../core/rpc-error.ts";

// One call as a wire carries it: encoded messages, metadata and a status. grpc-js and memory have this form in common,
// so that `client-call.ts` and `server-call.ts` hold the rules of a call once for both.

/** What the calling end can do. Nothing that is done after the status has come has an effect. */
export interface CallingStream {
  /** Sends one message. `written` is called once there is room for the next, and never when the call is over. */
  write(bytes: Uint8Array, written: () => void): void;
  /** There are no more messages. */
  end(): void;
  /** Asks for one more message. */
  read(): void;
  /** Gives the call up: the server sees it cancelled. No event comes after it. */
  reset(): void;
}

/** What the calling end is told. */
export interface CallingEvents {
  header(metadata: Metadata): void;
  /** One message, for each time that one was asked for. */
  message(bytes: Uint8Array): void;
  /** The last event. `error` is undefined where the server said OK. */
  status(error: RpcError | undefined, trailer: Metadata): void;
}

/** Opens a call on a connection. Events come later, never before this has returned. */
export type OpenStream = (
  call: { readonly path: string; readonly metadata: Metadata; readonly deadline: number },
  events: CallingEvents,
) => CallingStream;

/** What the answering end can do. Nothing that is done after the call is over has an effect. */
export interface AnsweringStream {
  header(metadata: Metadata): void;
  /** Sends one message. `written` is called once there is room for the next, and never when the call is over. */
  write(bytes: Uint8Array, written: () => void): void;
  /** Ends the call: OK where `error` is undefined. */
  status(error: RpcError | undefined, trailer: Metadata): void;
  /** Asks for one more message, or for `end`. */
  read(): void;
}

/** What the answering end is told. */
export interface AnsweringEvents {
  /** One message, for each time that one was asked for. */
  message(bytes: Uint8Array): void;
  /** The client will send no more. */
  end(): void;
  /** The call is over before its status was sent: the client gave it up, or the connection broke. */
  cancelled(code: typeof Code.CANCELLED | typeof Code.DEADLINE_EXCEEDED, message: string): void;
}

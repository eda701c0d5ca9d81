import { Code } from "../core/code.ts";
import type { Metadata } from "../core/metadata.ts";
import { RpcError } from "../core/rpc-error.ts";
import { decodeDetails, encodeDetails } from "./rich-status.ts";
import type { AnsweringEvents, AnsweringStream, CallingEvents, CallingStream } from "./wire-stream.ts";

/** Bytes that may be on their way in one direction of a call before its writer has to wait: HTTP/2's own default. */
const windowBytes = 65_535;
/** What HTTP/2 and gRPC put before a message, so that empty messages fill the window too. */
const frameBytes = 14;

/** A call in memory. */
export interface MemoryStream {
  readonly calling: CallingStream;
  /** Ends it on both sides, as when its connection breaks. */
  sever(error: RpcError): void;
}

/** Everything arrives a turn of the event loop later, as from a socket; so nothing recurses, and timers get their turn. */
const later = setImmediate;

/**
 * Joins the two ends of a call. `start` is called with the answering end once the call arrives, `gone` once the caller
 * has had its status or has given the call up.
 */
export function createMemoryStream(
  events: CallingEvents,
  start: (stream: AnsweringStream) => AnsweringEvents,
  gone: () => void,
): MemoryStream {
  let answering: AnsweringEvents | undefined;
  let callerGone = false;
  let answered = false;
  const requests = createLane((bytes) => answering?.message(bytes));
  const responses = createLane((bytes) => toCaller(() => events.message(bytes)));

  function toCaller(event: () => void): void {
    if (!callerGone) event();
  }

  function lastToCaller(error: RpcError | undefined, trailer: Metadata): void {
    toCaller(() => {
      leave();
      events.status(error, trailer);
    });
  }

  function leave(): void {
    if (callerGone) return;
    callerGone = true;
    gone();
  }

  function cancel(message: string): void {
    if (answered) return;
    answered = true;
    requests.cut();
    later(() => answering?.cancelled(Code.CANCELLED, message));
  }

  const answeringStream: AnsweringStream = {
    header: (metadata) => void later(() => toCaller(() => events.header(metadata))),
    write: responses.write,
    read: requests.read,
    status(error, trailer) {
      if (answered) return;
      answered = true;
      requests.cut();
      responses.end(() => lastToCaller(error && asSent(error, trailer), trailer), false);
    },
  };

  later(() => {
    if (!answered) answering = start(answeringStream);
  });
  return {
    calling: {
      write: requests.write,
      read: responses.read,
      end: () => requests.end(() => answering?.end(), true),
      reset() {
        leave();
        responses.cut();
        cancel("the client gave the call up");
      },
    },
    sever(error) {
      responses.cut();
      later(() => lastToCaller(error, error.metadata));
      cancel("the connection broke");
    },
  };
}

/** What is left of a handler's error on a wire. */
function asSent(error: RpcError, metadata: Metadata): RpcError {
  const bytes = encodeDetails(error);
  const details = bytes === undefined ? [] : decodeDetails(bytes);
  return new RpcError(error.code, error.message.toWellFormed(), { details, metadata });
}

/** One direction of a call. */
interface Lane {
  readonly write: (bytes: Uint8Array, written: () => void) => void;
  /** `last` comes after every message: when it is asked for like one of them, or by itself. */
  end(last: () => void, asked: boolean): void;
  readonly read: () => void;
  /** Drops what is on its way. */
  cut(): void;
}

function createLane(message: (bytes: Uint8Array) => void): Lane {
  const queue: Uint8Array[] = [];
  const blocked: (() => void)[] = [];
  let heldBytes = 0;
  let asked = false;
  let last: (() => void) | undefined;
  let lastAsked = false;
  let cut = false;

  function goOnLater(written: () => void): void {
    later(() => {
      if (!cut) written();
    });
  }

  function flow(): void {
    const bytes = queue[0];
    if (bytes === undefined) {
      if (last === undefined || (lastAsked && !asked)) return;
      const ending = last;
      last = undefined;
      // Where what came before it was dropped, it would be the end of something else.
      later(() => {
        if (!cut) ending();
      });
    } else if (asked) {
      asked = false;
      queue.shift();
      heldBytes -= bytes.length + frameBytes;
      later(() => {
        if (!cut) message(bytes);
      });
      if (heldBytes < windowBytes) for (const written of blocked.splice(0)) goOnLater(written);
      flow();
    }
  }

  return {
    write(bytes, written) {
      if (cut || last !== undefined) return;
      queue.push(bytes);
      heldBytes += bytes.length + frameBytes;
      if (heldBytes < windowBytes) goOnLater(written);
      else blocked.push(written);
      flow();
    },
    end(event, whenAsked) {
      last = event;
      lastAsked = whenAsked;
      flow();
    },
    read() {
      asked = true;
      flow();
    },
    cut() {
      cut = true;
      queue.length = 0;
      blocked.length = 0;
    },
  };
}

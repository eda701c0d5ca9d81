import { AsyncLocalStorage } from "node:async_hooks";
import { Code } from "../core/code.ts";
import { Metadata } from "../core/metadata.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Acceptor, Listener, ListenOptions } from "../core/transport.ts";
import { createMemoryStream, type MemoryStream } from "./memory-stream.ts";
import type { CallConnection } from "./peer.ts";
import { answerOver, type ServerCall } from "./server-call.ts";
import type { AnsweringEvents, AnsweringStream, CallingEvents, CallingStream, OpenStream } from "./wire-stream.ts";

/** What listens at an address in memory. */
export interface MemoryHost {
  readonly listener: Listener;
  connect(lost: (reason: string) => void): CallConnection;
  /** Breaks every connection, with the calls on it. */
  disconnect(reason: string): void;
}

/** A connection, as the host sees it. */
interface Line {
  /** Tells the client to go elsewhere; what is under way goes on. */
  leave(reason: string): void;
  /** Breaks what is under way. */
  sever(reason: string): void;
}

type OpenCall = Parameters<OpenStream>[0];

const nothing = (): void => {};
const ignored: AnsweringEvents = { message: nothing, end: nothing, cancelled: nothing };
const dead: CallingStream = { write: nothing, end: nothing, read: nothing, reset: nothing };

/** `free` is called when the address is free again. */
export function createMemoryHost(
  address: string,
  acceptor: Acceptor,
  limits: ListenOptions,
  free: () => void,
): MemoryHost {
  const calls = new Set<ServerCall>();
  const lines = new Set<Line>();
  // As on a socket, a handler knows nothing of what its caller runs in.
  const inServer = AsyncLocalStorage.snapshot();
  const gone = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
  let connections = 0;
  let closing: Promise<void> | undefined;

  function connect(lost: (reason: string) => void): CallConnection {
    connections += 1;
    const caller = { address: `memory:${connections}` };
    const streams = new Set<MemoryStream>();
    let open = true;
    let served = false;

    function start(stream: AnsweringStream, { path, metadata, deadline }: OpenCall): AnsweringEvents {
      const method = acceptor.method(path);
      if (method !== undefined)
        return answerOver(stream, { acceptor, method, metadata, deadline, caller, limits, calls });
      const error = RpcError.from(acceptor.unknown(path), Code.UNIMPLEMENTED);
      stream.status(error, error.metadata);
      return ignored;
    }

    const line: Line = {
      leave(reason) {
        open = false;
        forget();
        lost(reason);
      },
      sever(reason) {
        line.leave(reason);
        lines.delete(line);
        for (const stream of streams)
          stream.sever(new RpcError(Code.UNAVAILABLE, `the call to ${address} failed: ${reason}`));
      },
    };
    /** Nothing comes of a line any more that takes no calls and has none. */
    function forget(): void {
      if (!open && streams.size === 0) lines.delete(line);
    }

    lines.add(line);
    return {
      get served() {
        return served;
      },
      open(call, events) {
        if (!open) return refused(events, address);
        const gone = (): void => {
          served = true;
          streams.delete(stream);
          forget();
        };
        const stream = createMemoryStream(events, (answering) => inServer(start, answering, call), gone);
        streams.add(stream);
        return stream.calling;
      },
      close() {
        open = false;
        forget();
      },
    };
  }

  function drain(): void {
    free();
    for (const line of lines) line.leave("the server is shutting down");
  }

  async function shut(): Promise<void> {
    for (const call of [...calls]) call.abort(gone);
    drain();
    // The turn in which the statuses arrive.
    await new Promise(setImmediate);
    for (const line of lines) line.sever("the server is shutting down");
  }

  return {
    connect,
    disconnect(reason) {
      for (const line of lines) line.sever(reason);
    },
    listener: {
      address,
      get inflight() {
        return calls.size;
      },
      drain,
      end(which) {
        for (const call of [...calls]) if (which(call.method)) call.abort(gone);
      },
      close() {
        closing ??= shut();
        return closing;
      },
    },
  };
}

/** A call on a connection that takes no more. */
function refused(events: CallingEvents, address: string): CallingStream {
  const error = new RpcError(Code.UNAVAILABLE, `the connection to ${address} is closed`, { unprocessed: true });
  queueMicrotask(() => events.status(error, Metadata.EMPTY));
  return dead;
}

import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type Reply } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError, type RpcErrorOptions } from "../../src/core/rpc-error.ts";
import type { Peer } from "../../src/core/transport.ts";

export const reply: Reply = { response: {}, header: Metadata.EMPTY, trailer: Metadata.EMPTY };

export const echo: Call = new Call({ method: Probe.methods.echo, request: {} });

export function failure(code: keyof typeof Code, options?: RpcErrorOptions): RpcError {
  return new RpcError(Code[code], "as asked", options);
}

/** A peer in memory that answers as `answer` says, which a test may replace at any time. */
export interface FakePeer extends Peer {
  answer: (call: Call) => Promise<Reply>;
  ready: boolean;
  /** Connected, and not answering: it is not ready then either. */
  silent: boolean;
  closed: boolean;
  /** Calls that reached it. */
  calls: number;
}

export function fakePeer(address = "10.0.0.1:50051"): FakePeer {
  const peer: FakePeer = {
    endpoint: { address },
    ready: true,
    silent: false,
    closed: false,
    calls: 0,
    inflight: 0,
    get state() {
      if (peer.silent) return "silent";
      return peer.ready ? "ready" : "failed";
    },
    get reason() {
      return peer.ready ? undefined : "connection refused";
    },
    answer: async () => reply,
    handle: (call) => {
      peer.calls++;
      return peer.answer(call);
    },
    close: async () => {
      peer.closed = true;
    },
  };
  return peer;
}

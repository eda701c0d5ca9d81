import type { Call, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ConnectOptions, Peer } from "../core/transport.ts";
import { overAlready } from "./cancelled.ts";
import { callOver } from "./client-call.ts";
import { type Connection, createLink } from "./link.ts";
import { checkSize, encodeMessage } from "./message.ts";
import { checkSentMetadata } from "./metadata-size.ts";
import { shutAfter } from "./shut-after.ts";
import type { OpenStream } from "./wire-stream.ts";

/** A connection that carries calls. */
export interface CallConnection extends Connection {
  readonly open: OpenStream;
}

type Connect = (signal: AbortSignal, lost: (reason: string) => void) => Promise<CallConnection>;

/** A peer over any wire that `connect` can open: it waits for the connection, counts calls, and closes gracefully. */
export function createPeer(endpoint: Endpoint, options: ConnectOptions, connect: Connect): Peer {
  const { address } = endpoint;
  const { connectTimeoutMs, logger } = options;
  let inflight = 0;
  let closing: PromiseWithResolvers<void> | undefined;
  const changed = (): void => {
    if (closing === undefined) options.changed?.();
  };
  const link = createLink({ address, open: connect, connectTimeoutMs, changed, logger });

  const underWay = new Set<(error: RpcError) => void>();

  const over = (): void => {
    inflight -= 1;
    if (inflight === 0 && closing !== undefined) shut(closing);
  };

  function cutOff(end: PromiseWithResolvers<void>): void {
    for (const giveUp of underWay) giveUp(new RpcError(Code.UNAVAILABLE, `the connection to ${address} was closed`));
    shut(end);
  }

  function shut({ resolve }: PromiseWithResolvers<void>): void {
    link.close();
    resolve();
  }

  async function handle(call: Call): Promise<Reply> {
    if (closing !== undefined) {
      throw new RpcError(Code.UNAVAILABLE, `the connection to ${address} was closed`, { unprocessed: true });
    }
    const early = overAlready(call);
    if (early !== undefined) throw early;
    checkSentMetadata(call.metadata);
    const request = call.method.requestStream ? undefined : encodeMessage(call.method, "request", call.request);
    if (request !== undefined) checkSize("sent", request.length, options.maxSendMessageBytes);
    inflight += 1;
    let connection: CallConnection;
    try {
      connection = link.connection ?? (await link.connected(call));
    } catch (error) {
      over();
      throw error;
    }
    return callOver(connection.open, call, { limits: options, address, request, underWay, over });
  }

  return {
    endpoint,
    get state() {
      return closing === undefined ? link.state : "closed";
    },
    get ready() {
      return closing === undefined && link.state === "ready";
    },
    get inflight() {
      return inflight;
    },
    get reason() {
      return closing === undefined ? link.reason : "closed";
    },
    handle,
    probe: () => link.hurry(),
    close(timeoutMs) {
      if (closing === undefined) {
        closing = Promise.withResolvers();
        options.changed?.();
        if (inflight === 0) shut(closing);
      }
      if (timeoutMs !== undefined && inflight > 0) shutAfter(timeoutMs, closing, cutOff);
      return closing.promise;
    },
  };
}

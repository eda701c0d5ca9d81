import type { Call, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { factsOf } from "../core/facts.ts";
import { hold, letGo } from "../core/hold.ts";
import { rejectedLater } from "../core/later.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ConnectOptions, Peer } from "../core/transport.ts";
import { overAlready } from "./cancelled.ts";
import { callOver } from "./client-call.ts";
import { closedPeer } from "./closed-peer.ts";
import { NO_ANSWER } from "./idle.ts";
import { type Connection, createLink } from "./link.ts";
import { encodeMessage } from "./message.ts";
import { checkSentMetadata } from "./metadata-size.ts";
import { checkSize } from "./oversize.ts";
import { shutAfter } from "./shut-after.ts";
import type { OpenStream } from "./wire-stream.ts";
import { withinCall } from "./within-call.ts";

/** Turns of the event loop in which what a server sent before and behind its refusals is read. */
const TURNS_UNTIL_GONE = 20;

/** A connection that carries calls. */
export interface CallConnection extends Connection {
  readonly open: OpenStream;
  /** True where it was idle for so long that it may have died without a word. */
  readonly rested?: boolean;
  /** Asks whether it lives; resolves with false where there is no answer in time. */
  confirm?(): Promise<boolean>;
}

export interface PeerOptions extends Omit<ConnectOptions, "tls"> {
  /** Whether a certificate is shown to the server. */
  readonly certificate?: boolean | undefined;
}

type Connect = (signal: AbortSignal, lost: (reason: string) => void) => Promise<CallConnection>;

/** A peer over any wire that `connect` can open: it waits for the connection, counts calls, and closes gracefully. */
export function createPeer(endpoint: Endpoint, options: PeerOptions, connect: Connect): Peer {
  const { address } = endpoint;
  const { connectTimeoutMs } = options;
  const facts = factsOf(options);
  let inflight = 0;
  let closing: PromiseWithResolvers<void> | undefined;
  const changed = (): void => {
    if (closing === undefined) options.changed?.();
  };
  const shown = { certificate: options.certificate === true };
  const link = createLink({ address, open: connect, connectTimeoutMs, shown, changed, facts });

  const underWay = new Set<(error: RpcError) => void>();

  const over = ({ background }: Call): void => {
    inflight -= 1;
    if (!background) letGo();
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

  async function connectionFor(call: Call): Promise<CallConnection> {
    for (;;) {
      const connection = link.connection ?? (await link.connected(call, (connected) => connected));
      if (connection.rested !== true || connection.confirm === undefined) return connection;
      if (await withinCall(call, `while asking whether ${address} lives`, connection.confirm())) return connection;
      link.drop(connection, NO_ANSWER);
    }
  }

  async function handle(call: Call): Promise<Reply> {
    if (closing !== undefined) return rejectedLater(closedPeer(address));
    const early = overAlready(call);
    if (early !== undefined) return rejectedLater(early);
    checkSentMetadata(call.metadata);
    const request = call.method.requestStream ? undefined : encodeMessage(call.method, "request", call.request);
    if (request !== undefined) checkSize(call.method, "request", "sent", request.length, options.maxSendMessageBytes);
    inflight += 1;
    if (!call.background) hold();
    return attempt(call, request);
  }

  async function attempt(call: Call, request: Uint8Array | undefined): Promise<Reply> {
    let connection: CallConnection;
    try {
      const ready = link.connection;
      connection = ready === undefined || ready.rested === true ? await connectionFor(call) : ready;
    } catch (error) {
      over(call);
      throw error;
    }
    // A server that goes, and has taken calls before, refuses what came too late: that is made on the next connection.
    let refused = false;
    const ended = (error: RpcError | undefined): void => {
      refused = error?.unprocessed === true && request !== undefined && connection.served;
      if (!refused) over(call);
    };
    const reply = callOver(connection.open, call, { limits: options, address, request, underWay, over: ended });
    return reply.catch(async (error) => {
      if (!refused) throw error;
      // The word that the connection has gone may come behind what it refused.
      for (let turn = 0; turn < TURNS_UNTIL_GONE && link.connection === connection; turn++)
        await new Promise(setImmediate);
      if (link.connection !== connection && overAlready(call) === undefined) return attempt(call, request);
      over(call);
      throw error;
    });
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
    get failedHere() {
      return closing === undefined && link.failedHere;
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

import { type Channel, type Metadata as GrpcMetadata, status as Status, type StatusObject } from "@grpc/grpc-js";
import { Code, codeFrom } from "../../core/code.ts";
import { NEVER, now } from "../../core/deadline.ts";
import { Metadata } from "../../core/metadata.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { formatTimeout } from "../grpc-timeout.ts";
import { oversized } from "../oversize.ts";
import { decodeDetails } from "../rich-status.ts";
import type { CallingEvents, CallingStream, OpenStream } from "../wire-stream.ts";
import { giveUp } from "./give-up.ts";
import { asBuffer, asBytes, fromGrpc, toGrpc } from "./metadata.ts";
import { oversizeIn } from "./oversize-words.ts";

/** What grpc-js says of a call that it never sent, or that the server's HTTP/2 turned away. */
const neverProcessed =
  /^(?:Stream refused by server|Channel closed|No connection established|Failed to start HTTP\/2 stream)|NGHTTP2_REFUSED_STREAM$/;

/** What it says where the connection broke under the call, in the code INTERNAL. */
const connectionBroke = /triggered by internal client error/;

/** What has come and gone on a connection. */
export interface Traffic {
  /** Called when the last call under way has ended. */
  readonly rests: () => void;
  /** True once a call has been answered. */
  served: boolean;
  /** Calls under way. */
  calls: number;
  /** When the last call ended, on the clock of `now()`; before there was one, when it was connected. */
  restsSince: number;
}

/** Where calls go, and how large a reply they take. */
export interface Called {
  readonly address: string;
  readonly maxReceiveBytes: number;
}

/** Calls over one grpc-js channel. */
export function openOn(channel: Channel, to: Called, traffic: Traffic): OpenStream {
  const { address } = to;
  return ({ path, metadata, deadline }, told) => {
    let headers: GrpcMetadata;
    try {
      headers = toGrpc(metadata);
    } catch (cause) {
      return ended(told, unsendable(path, cause));
    }
    const { events, over } = counted(told, traffic);
    const timeout = formatTimeout(remainingMs(deadline));
    if (timeout !== undefined) headers.set("grpc-timeout", timeout);
    try {
      // No deadline for grpc-js: the caller of this watches it, and sends what is left of it in the header.
      const call = channel.createCall(path, Number.POSITIVE_INFINITY, null, null, null);
      const sent = { path, largestBytes: 0, isAll: false };
      call.start(headers, listenerFor(events, to, sent));
      return {
        write(bytes, written) {
          sent.largestBytes = Math.max(sent.largestBytes, bytes.length);
          call.sendMessageWithContext({ callback: () => written() }, asBuffer(bytes));
        },
        end() {
          sent.isAll = true;
          call.halfClose();
        },
        read: () => call.startRead(),
        reset() {
          over();
          giveUp(call);
        },
      };
    } catch (cause) {
      const why = `the connection to ${address} is closed`;
      return ended(events, new RpcError(Code.UNAVAILABLE, why, { cause, unprocessed: true }));
    }
  };
}

function counted(told: CallingEvents, traffic: Traffic): { events: CallingEvents; over: () => void } {
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    traffic.calls -= 1;
    traffic.restsSince = now();
    if (traffic.calls === 0) traffic.rests();
  };
  traffic.calls += 1;
  const events: CallingEvents = {
    header(metadata) {
      traffic.served = true;
      told.header(metadata);
    },
    message: (bytes) => told.message(bytes),
    status(error, trailer) {
      if (error === undefined || trailer.size > 0) traffic.served = true;
      over();
      told.status(error, trailer);
    },
  };
  return { events, over };
}

/** A grpc-js server takes a timeout that no timer of Node's reaches for one that has passed: such a one is not sent. */
function remainingMs(deadline: number): number {
  const remaining = deadline === NEVER ? NEVER : deadline - now();
  return remaining > 0x7fff_ffff ? NEVER : remaining;
}

/** What others have sent, and is handed on, may be more than grpc-js sends. */
function unsendable(path: string, cause: unknown): RpcError {
  const why = `the metadata of ${path} cannot be sent by grpc-js: ${(cause as Error).message}`;
  return new RpcError(Code.INVALID_ARGUMENT, why, { cause, local: true });
}

/** A call that cannot be begun. */
function ended(events: CallingEvents, error: RpcError): CallingStream {
  queueMicrotask(() => events.status(error, Metadata.EMPTY));
  const nothing = (): void => {};
  return { write: nothing, end: nothing, read: nothing, reset: nothing };
}

/** What of a call has been sent. */
interface Sent {
  readonly path: string;
  largestBytes: number;
  isAll: boolean;
}

function listenerFor(events: CallingEvents, to: Called, sent: Sent) {
  let answered = false;
  return {
    onReceiveMetadata(metadata: GrpcMetadata) {
      answered = true;
      events.header(fromGrpc(metadata));
    },
    onReceiveMessage: (bytes: Buffer) => events.message(asBytes(bytes)),
    onReceiveStatus(status: StatusObject) {
      const fromServer = answered || Object.keys(status.metadata.getMap()).length > 0;
      const trailer = fromGrpc(status.metadata);
      if (status.code === Status.OK) return events.status(undefined, trailer);
      const over = answered ? overOwnLimit(status.details, to, sent) : undefined;
      events.status(over ?? (fromServer ? received(status, trailer) : local(status, to.address)), trailer);
    },
  };
}

/**
 * The reply is over this side's limit, in the words of every transport. grpc-js says the same of either side: where
 * requests are still to come, a server may have sent it, of a request over a limit as high.
 */
function overOwnLimit(details: string, { maxReceiveBytes }: Called, sent: Sent): RpcError | undefined {
  const over = oversizeIn(details);
  if (over?.maxBytes !== maxReceiveBytes || (!sent.isAll && over.bytes === sent.largestBytes)) return undefined;
  return RpcError.from(oversized(sent, "response", "received", over));
}

/** The status that the server sent. */
function received({ code, details: message, metadata: raw }: StatusObject, metadata: Metadata): RpcError {
  const bytes = raw.get("grpc-status-details-bin")[0];
  const details = Buffer.isBuffer(bytes) ? decodeDetails(asBytes(bytes)) : [];
  return new RpcError(codeFrom(code), message, { metadata, details });
}

/** A status that grpc-js made itself: no server answered. */
function local({ code, details }: StatusObject, address: string): RpcError {
  const unprocessed = neverProcessed.test(details);
  const disconnected = connectionBroke.test(details);
  const known = unprocessed || disconnected ? Code.UNAVAILABLE : codeFrom(code);
  const message = known === Code.UNAVAILABLE ? `the call to ${address} failed: ${details}` : details;
  return new RpcError(known, message, { unprocessed, disconnected });
}

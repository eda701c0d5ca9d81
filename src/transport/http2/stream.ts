import { Alarm } from "../timer-wheel.ts";
import type { ReceiveWindow } from "./receive-budget.ts";
import type { Turn } from "./send-queue.ts";

/**
 * What a stream of one message may send beyond it, in bytes. There are peers that end no stream whose window is empty,
 * grpc-js among them. A stream of many has its window from its reader.
 */
export const SPARE_BYTES = 1;

/** One stream of a connection: what both sides of it have in common. Its alarm rings when the call's deadline passes. */
export abstract class Stream extends Alarm implements ReceiveWindow, Turn {
  readonly id: number;
  window: number;
  coming = 0;
  target: number;
  unsaid = 0;
  granted = 0;
  waitsFor = 0;
  /** What the peer lets us send, in bytes. */
  sendWindow: number;
  /** True once we have sent, or the peer has sent, the end of the stream. */
  localEnded = false;
  remoteEnded = false;
  /** True once the connection has forgotten it. */
  closed = false;
  /** Framed messages that could not be sent yet; the first one is sent up to `pendingOffset`. */
  pending: Buffer[] | undefined = undefined;
  pendingOffset = 0;
  /** What of it is charged to the connection's memory, in bytes. */
  unsent = 0;
  /** True where it is charged as what the request took. */
  isInRoomOfRequest = false;
  /** True where the end of the stream goes with the last of what is pending. */
  endsAfterPending = false;
  queued = false;
  nextInQueue: Turn | undefined = undefined;
  /** On the clock of `now()`: since when a message has been coming; 0 where none has begun. */
  stalledSince = 0;
  /** Bytes of it that have come. */
  arrived = 0;

  constructor(id: number, sendWindow: number, receiveWindow: number) {
    super();
    this.id = id;
    this.sendWindow = sendWindow;
    this.window = receiveWindow;
    this.target = receiveWindow;
  }

  /** What its request took, and is free for its one reply, in bytes. */
  get roomOfRequest(): number {
    return 0;
  }

  /** What a DATA frame brought; `ended` where the peer has sent all it will. */
  abstract onData(bytes: Buffer, start: number, end: number, ended: boolean): void;
  /** The peer has reset it, or it was reset for something the peer did. */
  abstract onReset(code: number): void;
  /** The connection is gone. */
  abstract onLost(reason: string): void;
  /** Everything that was pending is sent, or there is room again after the connection was crowded. */
  abstract onRoom(): void;
}

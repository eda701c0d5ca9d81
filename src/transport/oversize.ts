import { Code } from "../core/code.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";

export type Side = "request" | "response";
type Action = "sent" | "received";

/** A message over the limit, where nobody knows yet of which call it is. */
export class Oversize extends RpcError {
  /** `undefined` where nobody knows: it was given up while it was decompressed. */
  readonly bytes: number | undefined;
  readonly maxBytes: number;

  constructor(bytes: number | undefined, maxBytes: number) {
    super(Code.RESOURCE_EXHAUSTED, `a message ${sizeOf(bytes, maxBytes)}; the limit is ${maxBytes}`);
    this.bytes = bytes;
    this.maxBytes = maxBytes;
  }
}

function sizeOf(bytes: number | undefined, maxBytes: number): string {
  return bytes === undefined ? `has more than ${maxBytes} bytes once it is decompressed` : `has ${bytes} bytes`;
}

/** True for a message over the limit; -1 and `undefined` are no limit. */
export function isOver(bytes: number, maxBytes: number | undefined): maxBytes is number {
  return maxBytes !== undefined && maxBytes >= 0 && bytes > maxBytes;
}

/** @throws RpcError RESOURCE_EXHAUSTED that names the method, and whose option it is that the message is over */
export function checkSize(
  method: Method,
  side: Side,
  action: Action,
  bytes: number,
  maxBytes: number | undefined,
): void {
  if (isOver(bytes, maxBytes)) throw oversized(method, side, action, new Oversize(bytes, maxBytes));
}

/** The failure of a call; of a message over the limit it says what `checkSize` does. */
export function oversized({ path }: Pick<Method, "path">, side: Side, action: Action, error: unknown): unknown {
  if (!(error instanceof Oversize)) return error;
  const what = side === "request" ? "request" : "reply";
  const whose = (side === "request") === (action === "sent") ? "client" : "server";
  const option = action === "sent" ? "maxSendMessageBytes" : "maxReceiveMessageBytes";
  const limit = `the limit is ${error.maxBytes}, the ${whose}'s ${option}`;
  const why = `the ${what} of ${path} ${sizeOf(error.bytes, error.maxBytes)}; ${limit}`;
  return new RpcError(Code.RESOURCE_EXHAUSTED, why, { local: action === "sent" });
}

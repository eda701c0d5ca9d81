import { connect } from "node:net";
import { parseAddress } from "../../src/core/endpoint.ts";
import {
  errorCodeName,
  Flag,
  FrameType,
  PREFACE,
  readUint32,
  Setting,
  writeFrameHeader,
  writeUint32,
} from "../../src/transport/http2/frame.ts";

const FRAME_BYTES = 16 * 1024;

export interface BegunMessages {
  /** Bytes of messages that were sent so far. */
  readonly sent: number;
  /** Resolves once the connection is closed, with what GOAWAY said, or `closed`. */
  readonly ended: Promise<string>;
  close(): void;
}

export interface BegunMessagesOptions {
  readonly path: string;
  /** Messages to begin, each on a stream of its own. */
  readonly messages: number;
  /** How long each claims to be, in bytes, and how much of it is sent, as far as the server's windows allow. */
  readonly claimedBytes: number;
  readonly sentBytes: number;
  /** The address of this machine that it comes from; any by default. */
  readonly from?: string;
}

/** A client that keeps to HTTP/2 to the letter, begins messages and ends none. */
export function beginMessages(address: string, options: BegunMessagesOptions): BegunMessages {
  const { path, messages, claimedBytes, sentBytes, from } = options;
  const socket = connect({ ...parseAddress(address), ...(from !== undefined && { localAddress: from }) });
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const windows = new Map<number, number>();
  const left = new Map<number, number>();
  const prefix = Buffer.alloc(5);
  writeUint32(prefix, 1, claimedBytes);
  const zeros = Buffer.alloc(FRAME_BYTES);
  let why = "closed";
  let sent = 0;
  let connectionWindow = 65_535;
  let held = Buffer.alloc(0);

  const write = (type: number, flags: number, id: number, payload: Buffer): void => {
    const header = Buffer.alloc(9);
    writeFrameHeader(header, 0, payload.length, type, flags, id);
    socket.write(Buffer.concat([header, payload]));
  };

  function begin(initialWindow: number): void {
    for (let id = 1; id < messages * 2; id += 2) {
      write(FrameType.HEADERS, Flag.END_HEADERS, id, requestHead(path));
      windows.set(id, initialWindow);
      left.set(id, sentBytes);
    }
  }

  function pump(): void {
    for (const [id, rest] of left) {
      const most = Math.min(rest, windows.get(id) ?? 0, FRAME_BYTES);
      if (connectionWindow < most) return;
      if (most <= 0) continue;
      const payload = rest === sentBytes ? Buffer.concat([prefix, zeros.subarray(5, most)]) : zeros.subarray(0, most);
      write(FrameType.DATA, 0, id, payload);
      connectionWindow -= most;
      sent += most;
      windows.set(id, (windows.get(id) ?? 0) - most);
      if (rest === most) left.delete(id);
      else left.set(id, rest - most);
    }
    if (left.size > 0 && connectionWindow >= FRAME_BYTES && [...left.keys()].some((id) => (windows.get(id) ?? 0) > 0)) {
      setImmediate(pump);
    }
  }

  function onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) {
      write(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(0));
      let window = 65_535;
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === Setting.INITIAL_WINDOW_SIZE) window = readUint32(payload, at + 2);
      }
      begin(window);
    } else if (type === FrameType.WINDOW_UPDATE && id === 0) connectionWindow += readUint32(payload, 0);
    else if (type === FrameType.WINDOW_UPDATE) windows.set(id, (windows.get(id) ?? 0) + readUint32(payload, 0));
    else if (type === FrameType.PING && (flags & Flag.ACK) === 0) write(FrameType.PING, Flag.ACK, 0, payload);
    else if (type === FrameType.RST_STREAM || type === FrameType.HEADERS) left.delete(id);
    else if (type === FrameType.GOAWAY) why = errorCodeName(readUint32(payload, 4) as never);
  }

  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const end = 9 + held.readUIntBE(0, 3);
      onFrame(held[3] as number, held[4] as number, readUint32(held, 5) & 0x7fffffff, held.subarray(9, end));
      held = held.subarray(end);
    }
    pump();
  });
  socket.once("close", () => {
    left.clear();
    resolve(why);
  });
  socket.write(PREFACE);
  write(FrameType.SETTINGS, 0, 0, Buffer.alloc(0));
  return {
    get sent() {
      return sent;
    },
    ended,
    close: () => void socket.destroy(),
  };
}

function requestHead(path: string): Buffer {
  const fields = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
  ] as const;
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.of(0, name.length),
      Buffer.from(name, "latin1"),
      Buffer.of(value.length),
      Buffer.from(value, "latin1"),
    ]),
  );
}

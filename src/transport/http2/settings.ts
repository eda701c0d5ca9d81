import { ConnectionError } from "./connection-error.ts";
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  MAX_31_BITS,
  MAX_FRAME_BYTES,
  readUint32,
  Setting,
} from "./frame.ts";

/** What a peer has told us of itself. RFC 9113, section 6.5.2. */
export interface PeerSettings {
  headerTableBytes: number;
  maxConcurrentStreams: number;
  initialWindowBytes: number;
  maxFrameBytes: number;
}

export function defaultSettings(): PeerSettings {
  return {
    headerTableBytes: 4096,
    maxConcurrentStreams: Number.POSITIVE_INFINITY,
    initialWindowBytes: DEFAULT_WINDOW_BYTES,
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
  };
}

/**
 * Reads the payload of a SETTINGS frame into `settings`. What is unknown is ignored.
 * @throws ConnectionError for a value that is not allowed
 */
export function readSettings(settings: PeerSettings, bytes: Buffer, start: number, end: number): void {
  if ((end - start) % 6 !== 0) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "the length of SETTINGS is no multiple of 6");
  }
  for (let at = start; at < end; at += 6) readSetting(settings, bytes.readUInt16BE(at), readUint32(bytes, at + 2));
}

function readSetting(settings: PeerSettings, name: number, value: number): void {
  switch (name) {
    case Setting.HEADER_TABLE_SIZE:
      settings.headerTableBytes = value;
      break;
    case Setting.ENABLE_PUSH:
      if (value > 1) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS_ENABLE_PUSH is ${value}`);
      break;
    case Setting.MAX_CONCURRENT_STREAMS:
      settings.maxConcurrentStreams = value;
      break;
    case Setting.INITIAL_WINDOW_SIZE:
      if (value > MAX_31_BITS) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, `SETTINGS_INITIAL_WINDOW_SIZE is ${value}`);
      }
      settings.initialWindowBytes = value;
      break;
    case Setting.MAX_FRAME_SIZE:
      if (value < DEFAULT_MAX_FRAME_BYTES || value > MAX_FRAME_BYTES) {
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS_MAX_FRAME_SIZE is ${value}`);
      }
      settings.maxFrameBytes = value;
      break;
    default:
  }
}

/** The payload of a SETTINGS frame. */
export function encodeSettings(settings: readonly (readonly [name: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(settings.length * 6);
  settings.forEach(([name, value], i) => {
    payload.writeUInt16BE(name, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return payload;
}

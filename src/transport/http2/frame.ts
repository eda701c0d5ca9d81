/** Frame types. RFC 9113, section 6. */
export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 } as const;

/** What RST_STREAM and GOAWAY say. RFC 9113, section 7. */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

const errorNames = Object.keys(ErrorCode);

/** An error code in words, for messages: `ENHANCE_YOUR_CALM`. */
export function errorCodeName(code: number): string {
  return errorNames[code] ?? `error ${code}`;
}

/** RFC 9113, section 6.5.2. */
export const Setting = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** The bytes before each frame's payload: length (3), type, flags, stream (4). */
export const FRAME_HEADER_BYTES = 9;
/** What every peer takes, and what each side starts with. */
export const DEFAULT_MAX_FRAME_BYTES = 16_384;
/** The most that 24 bits of length can say. */
export const MAX_FRAME_BYTES = 0xff_ffff;
/** What each window holds before anybody says otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** The largest window, and the largest stream id. */
export const MAX_31_BITS = 0x7fffffff;

/** What a client sends first. RFC 9113, section 3.4. */
export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Writes a frame's header at `at`. */
export function writeFrameHeader(
  buffer: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): void {
  buffer[at] = length >>> 16;
  buffer[at + 1] = length >>> 8;
  buffer[at + 2] = length;
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  writeUint32(buffer, at + 5, id);
}

export function writeUint32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

/** Reads 32 bits; no check of bounds, which the caller has made. */
export function readUint32(buffer: Buffer, at: number): number {
  return (
    (((buffer[at] as number) << 24) |
      ((buffer[at + 1] as number) << 16) |
      ((buffer[at + 2] as number) << 8) |
      (buffer[at + 3] as number)) >>>
    0
  );
}

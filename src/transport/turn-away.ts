import type { Socket } from "node:net";
import { FRAME_HEADER_BYTES, FrameType, writeFrameHeader, writeUint32 } from "./http2/frame.ts";

/** How long a client has to read why it was refused, in milliseconds, and how many may at a time. */
const PARTING_MS = 500;
const MOST_PARTING = 16;

/**
 * Refuses connections, after the TLS handshake where there is one, in HTTP/2's words: GOAWAY with the code and reason. What the client sends
 * is thrown away meanwhile, since a socket that is closed over unread bytes takes back what was said on it.
 */
export function createTurnAway(): (socket: Socket, reason: string, code: number) => void {
  let parting = 0;
  return (socket, reason, code) => {
    socket.end(farewell(reason, code));
    if (parting >= MOST_PARTING) {
      socket.destroySoon();
      return;
    }
    parting++;
    const cut = setTimeout(() => socket.destroy(), PARTING_MS).unref();
    socket.once("close", () => {
      parting--;
      clearTimeout(cut);
    });
    socket.resume();
  };
}

function farewell(reason: string, code: number): Buffer {
  const text = Buffer.from(reason, "latin1");
  const goAway = FRAME_HEADER_BYTES;
  const payload = goAway + FRAME_HEADER_BYTES;
  const bytes = Buffer.alloc(payload + 8 + text.length);
  writeFrameHeader(bytes, 0, 0, FrameType.SETTINGS, 0, 0);
  writeFrameHeader(bytes, goAway, 8 + text.length, FrameType.GOAWAY, 0, 0);
  writeUint32(bytes, payload + 4, code);
  text.copy(bytes, payload + 8);
  return bytes;
}

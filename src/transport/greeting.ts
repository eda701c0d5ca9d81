import type { ClientTls } from "../core/transport.ts";
import { ErrorCode, FrameType, readUint32 } from "./http2/frame.ts";

const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 3;

const expectsTls = "the server expects TLS: give tls, {} where the system's authorities will do";
const elsewhere = "give the port of its gRPC, or look at the proxy between";

/** What is wrong with what a server has said first; `undefined` where it may be HTTP/2. */
export function strangeGreeting(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if ((first === TLS_ALERT || first === TLS_HANDSHAKE) && second === TLS_MAJOR) return expectsTls;
  if (bytes.length < 4 || bytes[3] === FrameType.SETTINGS) return undefined;
  const text = bytes.toString("latin1", 0, 2048);
  if (!text.startsWith("HTTP/")) return `the server does not speak HTTP/2: ${elsewhere}`;
  // nginx and Go answer so where they are spoken to without TLS.
  return /\bHTTPS (?:port|server)\b/.test(text) ? expectsTls : `the server speaks HTTP/1.1 and no gRPC: ${elsewhere}`;
}

/** Why a server may have closed a connection, TLS and all, before it said anything. */
export function closedUngreeted(tls: Pick<ClientTls, "cert"> | undefined): string {
  if (tls === undefined) return "the server closed the connection without a word: perhaps it expects TLS (give tls)";
  const about =
    tls.cert === undefined ? "asks for a client certificate (tls.cert and tls.key)" : "does not accept tls.cert";
  return `the server closed the connection after the TLS handshake: perhaps it ${about}`;
}

/** True where the other side has closed a connection the hard way. */
export function isCut(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  // Before the TLS handshake is over it says something else, and Node says so.
  return code === "EPIPE" || (code === "ECONNRESET" && !message.includes("before secure TLS"));
}

/** What a server says by GOAWAY with INADEQUATE_SECURITY, as Trunkline's do. */
export function turnedAway(reason: string): string {
  const why = reason === "" ? "" : `, since ${reason}`;
  return `the server turns this client away${why}: look at tls.cert and tls.key`;
}

/** The same, of frames that a server has sent; `undefined` where there is no such one among them. */
export function turnedAwayBy(frames: Buffer): string | undefined {
  for (let at = 0; at + 9 <= frames.length; ) {
    const end = at + 9 + frames.readUIntBE(at, 3);
    if (frames[at + 3] === FrameType.GOAWAY && end <= frames.length && end - at >= 17) {
      const isTurned = readUint32(frames, at + 13) === ErrorCode.INADEQUATE_SECURITY;
      return isTurned ? turnedAway(frames.toString("latin1", at + 17, Math.min(end, at + 217))) : undefined;
    }
    at = end;
  }
  return undefined;
}

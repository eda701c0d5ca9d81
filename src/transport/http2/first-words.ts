import { PREFACE } from "./frame.ts";

/** What somebody speaks who has connected to a server. */
export type Speech = "HTTP/2" | "HTTP/1" | "TLS" | "something else";

/** The longest first line of an HTTP/1 request that is waited for, in bytes. */
const LONGEST_LINE = 8 * 1024;
const TLS_HANDSHAKE = 0x16;
const LF = 0x0a;

const begunRequest = /^[A-Z]{1,20}(?: [^\r\n]*\r?)?$/;
const requestLine = /^([A-Z]{1,20}) \S+ HTTP\/1\.\d\r?$/;

/** Holds what a client has said first until it is clear what it speaks. */
export class FirstWords {
  #held: Buffer = Buffer.alloc(0);

  /** What stands behind the preface of HTTP/2. */
  get rest(): Buffer {
    return this.#held.subarray(PREFACE.length);
  }

  /** The method of an HTTP/1 request. */
  get method(): string {
    return this.#held.toString("latin1", 0, this.#held.indexOf(" "));
  }

  /** Takes in what has come; `undefined` while more has to come. */
  hear(bytes: Buffer): Speech | undefined {
    this.#held = Buffer.concat([this.#held, bytes]);
    const held = this.#held;
    const compared = Math.min(held.length, PREFACE.length);
    if (held.compare(PREFACE, 0, compared, 0, compared) === 0)
      return held.length < PREFACE.length ? undefined : "HTTP/2";
    if (held[0] === TLS_HANDSHAKE) return "TLS";
    const end = held.indexOf(LF);
    if (end >= 0) return requestLine.test(held.toString("latin1", 0, end)) ? "HTTP/1" : "something else";
    const mayBeRequest = held.length <= LONGEST_LINE && begunRequest.test(held.toString("latin1"));
    return mayBeRequest ? undefined : "something else";
  }
}

const text = `This is a gRPC server. It speaks HTTP/2 and not HTTP/1.1: call it with a gRPC client, such as grpcurl, and ask for
its health by grpc.health.v1.Health.
`;

/**
 * What a client of HTTP/1 is answered. It is 400 and no 426, which must offer an upgrade (RFC 9110, section 15.5.22), where
 * there is none from HTTP/1.1 to HTTP/2 any more; nor 505, which would have a probe call the server broken.
 */
export function http1Answer(method: string): Buffer {
  const fields = `content-type: text/plain; charset=utf-8\r\ncontent-length: ${text.length}\r\nconnection: close`;
  return Buffer.from(`HTTP/1.1 400 Bad Request\r\n${fields}\r\n\r\n${method === "HEAD" ? "" : text}`, "latin1");
}

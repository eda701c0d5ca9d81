import type { Side } from "./call-facts.ts";

/**
 * What happens to connections. On a client `address` is whom it connects to; on a server what it is bound to, and `peer`
 * is who connects.
 */
export interface ConnectionFacts {
  /** Told once a day of a certificate that this process shows. */
  "certificate-expiring": Certificate & { readonly daysLeft: number };
  "certificate-expired": Certificate & { readonly daysLeft: number };
  /** New connections use other TLS options than those before. */
  "certificate-taken": Partial<Certificate> & { readonly side: Side };
  /** What was given is no good: new connections use what was there before. */
  "certificate-kept": { readonly side: Side; readonly reason: string };

  "connection-opened": { readonly side: Side; readonly address: string; readonly peer: string | undefined };
  "connection-closed": {
    readonly side: Side;
    readonly address: string;
    readonly peer: string | undefined;
    readonly reason: string;
    readonly heldMs: number;
    /** Octets that came in and went out, below TLS; `undefined` where the wire cannot say. */
    readonly bytesReceived: number | undefined;
    readonly bytesSent: number | undefined;
  };
  /** A client's try at a connection failed. */
  "connection-failed": { readonly address: string; readonly reason: string };
  /** A server's connection broke, as the system says. */
  "connection-broke": { readonly address: string; readonly peer: string; readonly reason: string };
  /** A server has as many as it may have. */
  "connection-refused": { readonly address: string; readonly peer: string; readonly reason: string };
  "handshake-failed": { readonly address: string; readonly peer: string; readonly reason: string };
  /** Who connected does not speak gRPC. */
  "client-turned-away": { readonly address: string; readonly peer: string; readonly reason: string };
  "accept-failed": { readonly address: string; readonly reason: string };
  /** The process has no file descriptor left: connections are closed as they come. */
  "descriptors-spent": { readonly address: string; readonly reason: string };
  "descriptors-back": { readonly address: string };
  /** A handler goes on though its call is over, and has been for long. */
  "handler-overran": { readonly address: string; readonly method: string };
  /** Calls are refused: more are open than there is memory for. */
  "memory-crowded": { readonly address: string };
  /** Connections were ended: memory is short, and what they hold of it does not move. Told once in ten seconds at most. */
  "connections-evicted": { readonly address: string; readonly connections: number; readonly heldBytes: number };
}

/** Whom a certificate was made out to, and when it ends. */
interface Certificate {
  readonly subject: string;
  readonly expiresAt: Date;
}

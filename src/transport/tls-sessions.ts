import { createHash } from "node:crypto";
import { now } from "../core/deadline.ts";
import type { ClientTls } from "../core/transport.ts";

/** What a server gives, to begin the next connection to it with a shorter handshake. */
export interface TlsSession {
  /** What to offer; `undefined` where there is nothing, and the handshake is a full one. */
  readonly ticket: Buffer | undefined;
  /** The server gave one. `reused` where the connection itself began with what was offered. */
  keep(ticket: Buffer, reused: boolean): void;
  /** The connection that it was offered for came to nothing. */
  drop(): void;
}

/** The sessions of a client: of each server, by each identity, the newest. */
export interface TlsSessions {
  of(address: string, tls: ClientTls, identity?: string): TlsSession;
}

export interface TlsSessionsOptions {
  /** A clock in milliseconds that never jumps. */
  readonly now?: (() => number) | undefined;
}

const mostKept = 1_000;
/** What a server says is kept for it, and so is no larger than it must be. */
const mostBytes = 16 * 1024;
/** With a session, nobody looks at certificates: after this long, in milliseconds, they are looked at again. */
const longestMs = 3_600_000;

interface Kept {
  readonly ticket: Buffer;
  /** When the certificates were last looked at. */
  readonly verifiedAt: number;
}

/**
 * A session stands for the certificates that were verified when it began. So it is offered only to the same address, where
 * the same authorities are trusted, the same name is expected and the same certificate is shown.
 */
export function createTlsSessions({ now: clock = now }: TlsSessionsOptions = {}): TlsSessions {
  // In the order in which they came: the first is the oldest.
  const kept = new Map<string, Kept>();

  return {
    of(address, tls, identity) {
      const key = keyOf(address, tls, identity);
      const known = kept.get(key);
      const offered = known !== undefined && clock() - known.verifiedAt < longestMs ? known : undefined;
      const startedAt = clock();
      return {
        ticket: offered?.ticket,
        keep(ticket, reused) {
          if (ticket.length > mostBytes) return;
          kept.delete(key);
          kept.set(key, { ticket, verifiedAt: reused && offered !== undefined ? offered.verifiedAt : startedAt });
          const [oldest] = kept.keys();
          if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
        },
        drop() {
          if (offered !== undefined && kept.get(key) === offered) kept.delete(key);
        },
      };
    },
  };
}

/** Everything that the verification of a server, or what it is shown, depends on. */
function keyOf(address: string, { ca, cert, key, serverName }: ClientTls, identity: string | undefined): string {
  const hash = createHash("sha256");
  for (const part of [address, serverName, identity, ca, cert, key]) {
    hash.update(part === undefined ? "-" : `${Buffer.byteLength(part)}:`);
    if (part !== undefined) hash.update(part);
  }
  return hash.digest("base64");
}

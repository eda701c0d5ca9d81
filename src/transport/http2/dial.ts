import { connect, type Socket } from "node:net";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import type { ClientTls } from "../../core/transport.ts";
import { socketAddress } from "../address.ts";
import { clientTlsOptions } from "../tls.ts";
import type { TlsSession } from "../tls-sessions.ts";

/**
 * What a socket reads at once, in bytes. All sockets without TLS read into one buffer: what is there has been taken in
 * when the next one reads. Those with TLS have one each, since to write to one may be to read from it; they never read
 * more than a record at once.
 */
const READ_BYTES = 128 * 1024;
const TLS_READ_BYTES = 16 * 1024;
let shared: Buffer | undefined;

/** Takes what a socket has read: the first `length` bytes, which are overwritten by the next. */
export type OnRead = (bytes: Buffer, length: number) => void;

/**
 * Connects, with the TLS handshake where `tls` is given. What is read goes to `onRead`, in one buffer that is
 * used again and again. Destroys the socket when the signal aborts. It keeps no process alive: calls do.
 * @param session what the server gave before, with `tls`; what it gives now is kept there
 * @param identity whom the certificate of this one server must name
 */
export function dial(
  address: string,
  tls: ClientTls | undefined,
  signal: AbortSignal,
  onRead: OnRead,
  session?: TlsSession,
  identity?: string,
): Promise<Socket> {
  const onread = {
    buffer: tls === undefined ? sharedBuffer() : Buffer.allocUnsafeSlow(TLS_READ_BYTES),
    callback: (length: number, bytes: Uint8Array): boolean => {
      onRead(bytes as Buffer, length);
      return true;
    },
  };
  const to = socketAddress(address);
  return new Promise((resolve, reject) => {
    const socket =
      tls === undefined
        ? connect({ ...to, onread, noDelay: true })
        : tlsConnect({
            ...clientTlsOptions(tls, address, identity),
            ...to,
            session: session?.ticket,
            onread,
          } as object);
    socket.unref();
    socket.on("session", (ticket) => session?.keep(ticket, (socket as TLSSocket).isSessionReused()));
    const abort = (): void => {
      socket.destroy();
      reject(new Error("given up"));
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", reject);
    socket.once("close", () => {
      signal.removeEventListener("abort", abort);
      reject(new Error("the connection was closed"));
    });
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      if (tls !== undefined) {
        socket.setNoDelay(true);
        if ((socket as TLSSocket).alpnProtocol !== "h2") {
          socket.destroy();
          return reject(new Error("the server does not offer HTTP/2 over TLS (ALPN h2)"));
        }
      }
      resolve(socket);
    });
  });
}

function sharedBuffer(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
  return shared;
}

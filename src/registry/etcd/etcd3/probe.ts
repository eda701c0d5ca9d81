import { connect, type SecureClientSessionOptions } from "node:http2";
import type { ClientTls } from "../../../core/transport.ts";
import { connectReason, isTelling } from "../../../transport/connect-reason.ts";
import { isCut } from "../../../transport/greeting.ts";
import { whatIsWrong } from "../../../transport/who-is-there.ts";

/** How long a host has to show what is wrong with it, in milliseconds. */
const EXPLAIN_MS = 300;

/**
 * Resolves when a host, `host:port`, speaks HTTP/2 to us; rejects with why it does not. Leaves nothing behind, whatever the
 * host does: grpc-js has no timeout for a host that accepts a connection and then says nothing, and keeps a socket for
 * every attempt at it.
 */
export async function probe(host: string, tls: ClientTls | undefined, timeoutMs: number): Promise<void> {
  const failure = await greet(host, tls, timeoutMs);
  if (failure === undefined) return;
  const wrong = isTelling(failure) && !isCut(failure) ? undefined : await whatIsWrong(host, tls, EXPLAIN_MS);
  const why = wrong ?? connectReason(failure, { certificate: tls?.cert !== undefined });
  throw new Error(`cannot connect to ${host}: ${why}`, { cause: failure });
}

function greet(host: string, tls: ClientTls | undefined, timeoutMs: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const session = tls === undefined ? connect(`http://${host}`) : connect(`https://${host}`, secureOptions(tls));
    const settle = (error?: Error) => {
      clearTimeout(timer);
      session.destroy();
      resolve(error);
    };
    const timer = setTimeout(() => settle(new Error(`it did not answer within ${timeoutMs} ms`)), timeoutMs);
    session.once("remoteSettings", () => settle());
    session.on("error", settle);
    session.once("close", () => settle(new Error("it closed the connection at once")));
  });
}

function secureOptions({ ca, cert, key, passphrase, serverName }: ClientTls): SecureClientSessionOptions {
  const buffer = (pem: string | Uint8Array) => Buffer.from(pem);
  return {
    ...(ca === undefined ? {} : { ca: buffer(ca) }),
    ...(cert === undefined ? {} : { cert: buffer(cert) }),
    ...(key === undefined ? {} : { key: buffer(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

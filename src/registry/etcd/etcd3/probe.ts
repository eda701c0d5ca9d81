import { connect, type SecureClientSessionOptions } from "node:http2";
import type { ClientTls } from "../../../core/transport.ts";

/**
 * Resolves when a host, `http://host:port`, speaks HTTP/2 to us. Leaves nothing behind, whatever the host does: grpc-js has no timeout for a
 * host that accepts a connection and then says nothing, and keeps a socket for every attempt at it.
 */
export function probe(url: string, tls: ClientTls | undefined, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = connect(url, tls === undefined ? {} : secureOptions(tls));
    const settle = (error?: Error) => {
      clearTimeout(timer);
      session.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const timer = setTimeout(() => settle(new Error(`${url} did not answer within ${timeoutMs} ms`)), timeoutMs);
    session.once("remoteSettings", () => settle());
    session.on("error", settle);
    session.once("close", () => settle(new Error(`${url} closed the connection at once`)));
  });
}

function secureOptions({ ca, cert, key, serverName }: ClientTls): SecureClientSessionOptions {
  const buffer = (pem: string | Uint8Array) => Buffer.from(pem);
  return {
    ...(ca === undefined ? {} : { ca: buffer(ca) }),
    ...(cert === undefined ? {} : { cert: buffer(cert) }),
    ...(key === undefined ? {} : { key: buffer(key) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

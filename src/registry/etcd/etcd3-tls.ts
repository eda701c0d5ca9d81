import { isIP } from "node:net";
import { parseAddress } from "../../core/endpoint.ts";
import type { ClientTls } from "../../core/transport.ts";

/**
 * What etcd3 cannot keep to is refused, and not passed over.
 * @throws TypeError that names the option and what to do
 */
export function checkTlsOfEtcd3(hosts: readonly string[], { serverName, identityOf }: ClientTls): void {
  if (identityOf !== undefined) {
    throw new TypeError(
      'the client etcd3 for etcd cannot ask for tls.identityOf: use the client "native", or leave tls.identityOf out',
    );
  }
  // grpc-js hands the host to Node as the name to ask for, and Node refuses an address there from version 25 on.
  const address = hosts.find((host) => isIP(parseAddress(host).host) !== 0);
  if (address === undefined || serverName !== undefined || Number.parseInt(process.versions.node, 10) < 25) return;
  throw new TypeError(
    `etcd at ${address} cannot be verified by its address in Node ${process.versions.node}: ` +
      "give a name that is in its certificate as tls.serverName (in a URI as ?serverName=localhost)",
  );
}

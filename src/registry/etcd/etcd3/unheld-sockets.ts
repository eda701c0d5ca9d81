import type { Socket } from "node:net";
import type { Etcd3 } from "etcd3";
import { unheld } from "../../../transport/unheld.ts";

interface Connector {
  connect(socket: Socket): Promise<{ readonly socket: Socket }>;
}

interface Credentials {
  _createSecureConnector?(...options: readonly unknown[]): Connector;
}

interface Inside {
  readonly pool?: { readonly hosts?: readonly { readonly channelCredentials?: Credentials }[] };
}

/**
 * Has the connections of an etcd3 keep no process alive: a watch that nobody closes would. grpc-js has no option for that,
 * and etcd3 makes the credentials by which sockets can be seen itself; where a later version has them elsewhere, a watch
 * keeps the process alive until the registry is closed.
 */
export function unholdSockets(etcd: Etcd3): void {
  const { hosts = [] } = (etcd as unknown as Inside).pool ?? {};
  const all = new Set(hosts.map(({ channelCredentials }) => channelCredentials));
  for (const credentials of all) if (credentials !== undefined) unholdThrough(credentials);
}

function unholdThrough(credentials: Credentials): void {
  const create = credentials._createSecureConnector?.bind(credentials);
  if (create === undefined) return;
  credentials._createSecureConnector = (...options) => {
    const connector = create(...options);
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      const connected = await connect(unheld(socket));
      unheld(connected.socket);
      return connected;
    };
    return connector;
  };
}

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** Takes TCP connections and never says a word. */
export interface SilentServer {
  readonly address: string;
  /** Resolves with the next connection that is made. */
  accepted(): Promise<Socket>;
  close(): Promise<void>;
}

export async function createSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    // Read, or the end of the connection would not be seen.
    socket.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted: async () => (await once(server, "connection"))[0] as Socket,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

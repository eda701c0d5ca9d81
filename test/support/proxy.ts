import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";

/** A TCP proxy on the loopback, to put a network's faults between two sides. */
export interface TcpProxy {
  /** `127.0.0.1:port`, the same for its whole life. */
  readonly address: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Connections that were ever opened, refused ones counted. */
  readonly accepted: number;
  /** Carries what arrives, and what was held back; this is how it starts. */
  pass(): void;
  /**
   * Swallows everything and says nothing, as a network does that drops packets. The connections of that time stay open
   * and dead, after `pass()` too, as when a NAT has forgotten them: only new ones are carried then.
   */
  drop(): void;
  /** Holds everything back, new connections too, until `pass()`. */
  stall(): void;
  /** Breaks all connections with a reset, and goes on accepting new ones. */
  cut(): void;
  /** Breaks all connections and refuses new ones until `pass()`. */
  refuse(): void;
  close(): Promise<void>;
}

type Mode = "pass" | "drop" | "stall" | "refuse";

/** @param target `host:port`, or a function that gives it for each connection */
export async function createProxy(target: string | (() => string)): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const dead = new WeakSet<Socket>();
  let mode: Mode = "pass";
  let accepted = 0;

  const follow = (socket: Socket) => {
    sockets.add(socket);
    if (mode === "drop") dead.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    if (mode === "stall") socket.pause();
  };

  const join = (from: Socket, to: Socket) => {
    from.on("data", (chunk) => {
      if (!dead.has(from)) to.write(chunk);
    });
    from.once("close", () => {
      // A network that drops packets does not tell the other side that this one has gone.
      if (!dead.has(from)) to.destroy();
    });
  };

  const server = createServer((client) => {
    accepted++;
    if (mode === "refuse") {
      client.resetAndDestroy();
      return;
    }
    const [host = "", port] = splitAddress(typeof target === "string" ? target : target());
    const upstream = dial({ host, port: Number(port) });
    follow(client);
    follow(upstream);
    join(client, upstream);
    join(upstream, client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;

  const resetAll = () => {
    for (const socket of [...sockets]) socket.resetAndDestroy();
  };
  const enter = (next: Mode) => {
    mode = next;
    for (const socket of sockets) {
      if (next === "drop") dead.add(socket);
      if (next === "stall") socket.pause();
      else socket.resume();
    }
  };

  return {
    address: `127.0.0.1:${port}`,
    get connections() {
      return sockets.size / 2;
    },
    get accepted() {
      return accepted;
    },
    pass: () => enter("pass"),
    drop: () => enter("drop"),
    stall: () => enter("stall"),
    cut: resetAll,
    refuse() {
      enter("refuse");
      resetAll();
    },
    async close() {
      resetAll();
      server.close();
      await once(server, "close");
    },
  };
}

function splitAddress(address: string): [string, string] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon).replace(/^\[|\]$/g, ""), address.slice(colon + 1)];
}

import { once } from "node:events";
import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";

/** A proxy that carries every byte in order, cut anew: pieces of random sizes, now and then late. */
export interface FragmentingProxy {
  readonly address: string;
  close(): Promise<void>;
}

/** @param random a whole number below its argument */
export async function createFragmentingProxy(
  target: string,
  random: (below: number) => number,
): Promise<FragmentingProxy> {
  const sockets = new Set<Socket>();
  const upstreamAddress = { host: "127.0.0.1", port: Number(target.slice(target.lastIndexOf(":") + 1)) };

  async function carry(from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from) {
      for (let at = 0; at < chunk.length; ) {
        // Mostly large, so that it goes on; sometimes byte by byte, so that every border is met.
        const most = random(4) === 0 ? 20 : 20_000;
        const piece = chunk.subarray(at, at + 1 + random(most));
        at += piece.length;
        if (!to.write(piece)) await once(to, "drain");
        if (random(300) === 0) await sleep(random(5));
        else if (random(3) === 0) await turn();
      }
    }
    to.end();
  }

  const server = createServer((client) => {
    const upstream = dial(upstreamAddress);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true).on("error", () => {});
    }
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      carry(from, to).catch(() => to.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

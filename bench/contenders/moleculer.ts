import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { ServiceBroker } from "moleculer";
import type { Contender } from "../contender.ts";
import { greet, order, work } from "../workload.ts";

/** A port that is free now: the nodes of moleculer must know each other's before they start. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const tcp = (port: number, urls: string[]) => ({ type: "TCP", options: { udpDiscovery: false, port, urls } }) as never;

/** moleculer's own TCP transport with JSON, as it comes. */
export const contender: Contender = {
  async serve() {
    const port = await freePort();
    const broker = new ServiceBroker({ nodeID: "server", logger: false, transporter: tcp(port, []) });
    broker.createService({
      name: "bench",
      actions: {
        hello: async ({ params }) => ({ text: greet((params as { text: string }).text) }),
        work: async ({ params }) => {
          await work();
          return { text: greet((params as { text: string }).text) };
        },
        place: async ({ params }) => params,
      },
    });
    await broker.start();
    return { port, close: () => broker.stop() };
  },

  async connect(port) {
    const nodeID = `client-${process.pid}-${Math.random()}`;
    const own = await freePort();
    const urls = [`127.0.0.1:${port}/server`];
    const broker = new ServiceBroker({ nodeID, logger: false, transporter: tcp(own, urls) });
    await broker.start();
    await broker.waitForServices("bench", 10_000, 20);
    const jsonOrder = { ...order, createdMs: `${order.createdMs}`, customer: { ...order.customer, id: "1" } };
    const text = { text: "world" };
    return {
      hello: async () => (await broker.call<{ text: string }, typeof text>("bench.hello", text)).text,
      work: async () => (await broker.call<{ text: string }, typeof text>("bench.work", text)).text,
      place: async () => (await broker.call<{ total: number }, typeof jsonOrder>("bench.place", jsonOrder)).total,
      close: () => broker.stop(),
    };
  },
};

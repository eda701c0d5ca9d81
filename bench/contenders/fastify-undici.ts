import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { Pool } from "undici";
import type { Contender } from "../contender.ts";
import { greet, order, work } from "../workload.ts";

const json = { "content-type": "application/json" };

/** JSON over HTTP/1.1 between fastify and undici, a connection for each call in flight. */
export const contender: Contender = {
  async serve(tls) {
    const app = fastify({ ...(tls && { https: tls }), forceCloseConnections: true } as object);
    app.post<{ Body: { text: string } }>("/hello", async ({ body }) => ({ text: greet(body.text) }));
    app.post<{ Body: { text: string } }>("/work", async ({ body }) => {
      await work();
      return { text: greet(body.text) };
    });
    app.post("/place", async ({ body }) => body);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
  },

  async connect(port, { tls, inFlight }) {
    const origin = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
    const pool = new Pool(origin, { connections: inFlight, ...(tls && { connect: { ca: tls.ca.toString() } }) });
    const post = async (path: string, message: unknown): Promise<any> => {
      const { body } = await pool.request({ path, method: "POST", headers: json, body: JSON.stringify(message) });
      return body.json();
    };
    const jsonOrder = { ...order, createdMs: `${order.createdMs}`, customer: { ...order.customer, id: "1" } };
    return {
      hello: async () => (await post("/hello", { text: "world" })).text,
      work: async () => (await post("/work", { text: "world" })).text,
      place: async () => (await post("/place", jsonOrder)).total,
      close: () => pool.close(),
    };
  },
};

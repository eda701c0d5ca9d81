import { Code, createChannel, createClient, createServer, RpcError } from "trunkline";
import { defineService, type Service, type Unary, unary } from "trunkline/contract";
import { grpcJs } from "trunkline/grpc-js";
import { memoryTransport } from "trunkline/testing";
import { expect, test } from "vitest";
import { Payload } from "../../gen/probe/v1/probe.ts";
import { http2 } from "../../src/transport/http2/index.ts";

type Echo = Service<{ echo: Unary<Payload, Payload> }>;

const echoWith = (policy: object): Echo =>
  defineService("probe.v1.Probe", { echo: unary("Echo", Payload, Payload, { policy }) });

const data = (size: number) => ({ data: new Uint8Array(size) });

test.each([http2(), grpcJs(), memoryTransport()])(
  "a policy's limits on messages hold over $name, on either side",
  async (transport) => {
    const limited = echoWith({ maxRequestBytes: 100, maxResponseBytes: 1_000 });
    const free = echoWith({});
    let answer = 10;
    const start = async (service: Echo) => {
      const server = createServer({ transport, reflection: false }).add(service, { echo: () => data(answer) });
      const address = await server.listen(transport.name === "memory" ? `${answer}:1` : "127.0.0.1:0");
      const channel = createChannel({ transport, endpoints: [address] });
      return {
        call: (client: Echo, size: number) =>
          createClient(client, channel)
            .echo(data(size))
            .then(({ data: { length } }) => length, RpcError.from),
        async [Symbol.asyncDispose]() {
          await channel.close();
          await server.close();
        },
      };
    };
    const exhausted = { code: Code.RESOURCE_EXHAUSTED };

    {
      await using server = await start(limited);
      expect(await server.call(free, 90)).toBe(10);
      expect(await server.call(free, 200), "the server refuses the request").toMatchObject(exhausted);
      answer = 2_000;
      expect(await server.call(free, 90), "the server does not send the response").toMatchObject(exhausted);
    }
    {
      await using server = await start(free);
      const error = await server.call(limited, 200);
      expect(error, "the client does not send the request").toMatchObject(exhausted);
      expect((error as RpcError).message).toContain("/probe.v1.Probe/Echo");
      expect(await server.call(limited, 90), "the client refuses the response").toMatchObject(exhausted);
      answer = 900;
      expect(await server.call(limited, 90)).toBe(900);
    }
  },
);

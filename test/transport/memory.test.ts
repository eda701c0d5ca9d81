import { type Client, Code, createChannel, createClient, createServer, type RpcError } from "trunkline";
import { expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { memoryTransport } from "../../src/transport/memory.ts";
import { collected } from "../contract/channel/world.ts";
import { transportContract } from "../contract/transport.ts";

transportContract(
  "memory",
  () => {
    const transport = memoryTransport();
    return { transport, disconnect: transport.disconnect };
  },
  {
    sockets: false,
    tls: false,
    compressedRequests: false,
    compressedReplies: false,
    separateTextValues: true,
    messagesBeforeErrors: true,
  },
);

test.each([0, 1, 2, 3, 4, 5])(
  "what breaks %i turns after it was answered is whole, or says that it broke",
  async (turns) => {
    const transport = memoryTransport();
    const disconnectLater = async () => {
      for (let left = turns; left > 0; left--) await new Promise(setImmediate);
      transport.disconnect(address);
    };
    await using server = createServer({ transport });
    server.add(Probe, {
      echo: (request) => request,
      async *expand() {
        yield {};
        yield {};
        void disconnectLater();
      },
      collect() {
        void disconnectLater();
        return { count: 1 };
      },
      async *converse() {},
    });
    const address = await server.listen("127.0.0.1:0");
    const counts = [
      async (probe: Client<typeof Probe>) => (await probe.collect([])).count,
      async (probe: Client<typeof Probe>) => (await collected(probe.expand({}))).length,
    ];
    for (const [i, count] of counts.entries()) {
      await using channel = createChannel({ transport, endpoints: [address] });
      const end = await count(createClient(Probe, channel)).catch(({ code }: RpcError) => code);
      expect([i + 1, Code.UNAVAILABLE]).toContain(end);
    }
  },
);

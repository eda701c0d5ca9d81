import { Code, createChannel, createClient, createServer, RpcError } from "trunkline";
import { injectFaults, memoryRegistry, memoryTransport } from "trunkline/testing";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greetings } from "../support/greeter.ts";

async function inMemory(options: Parameters<typeof injectFaults>[0]) {
  const registry = memoryRegistry();
  const transport = memoryTransport();
  const server = createServer({ registry, transport, drain: { quietMs: 0 } }).add(Greeter, greetings);
  await server.listen("greeter:1");
  const channel = createChannel({ registry, transport, attemptInterceptors: [injectFaults(options)] });
  return {
    greeter: createClient(Greeter, channel),
    async [Symbol.asyncDispose]() {
      await channel.close();
      await server.close();
    },
  };
}

test("a client finds and calls its server without a port", async () => {
  await using pair = await inMemory({});
  expect(await pair.greeter.sayHello({ name: "Ada" })).toEqual({ message: "Hello Ada" });
});

test("faults come at the share that is asked for, and only where they are asked for", async () => {
  const dice = [0.1, 0.9, 0.1];
  await using pair = await inMemory({
    failShare: 0.5,
    code: "ABORTED",
    random: () => dice.shift() ?? 1,
    only: ({ method }) => method.name === "SayHelloAgain",
  });
  const outcomes: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    await pair.greeter.sayHello({});
    outcomes.push(
      await pair.greeter.sayHelloAgain({}).then(
        () => Code.OK,
        (error) => RpcError.from(error).code,
      ),
    );
  }
  expect(outcomes).toEqual([Code.ABORTED, Code.OK, Code.ABORTED]);
});

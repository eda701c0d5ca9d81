import { type Channel, Code, createChannel, createClient, createServer, RpcError } from "trunkline";
import { afterEach, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { wires } from "../support/wires.ts";

const overSockets = wires.filter(([name]) => name !== "memory");

let channel: Channel | undefined;
afterEach(() => channel?.close());

describe.each(overSockets)("over %s, a call that no server can be reached for", (_name, wire) => {
  async function failing(endpoints: readonly string[]): Promise<RpcError> {
    channel = createChannel({ endpoints, transport: wire() });
    const call = createClient(Greeter, channel).sayHello({ name: "you" }, { timeoutMs: 10_000 });
    const error = await call.then(() => expect.fail("it was answered"), RpcError.from);
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    return error;
  }

  test("since its name is not known is `local`, and says where to look", async () => {
    const error = await failing(["no-such-host.invalid:50051"]);
    expect(error.local).toBe(true);
    expect(error.message).toMatch(/host not found \((?:ENOTFOUND|EAI_AGAIN)\): look at how it is spelt/);
  });

  test("since a server refuses is not `local`, be it one of two", async () => {
    const refusing = `127.0.0.1:${await freePort()}`;
    expect((await failing([refusing])).local).toBe(false);
    await channel?.close();
    const error = await failing([refusing, "no-such-host.invalid:50051"]);
    expect(error.local).toBe(false);
    expect(error.message).toContain("connection refused (ECONNREFUSED)");
    expect(error.message).toContain("host not found");
  });

  test("a name that is not known beside one that is costs no call", async () => {
    await using server = createServer({ transport: wire() }).add(Greeter, greetings);
    const address = await server.listen("127.0.0.1:0");
    channel = createChannel({ endpoints: ["no-such-host.invalid:50051", address], transport: wire() });
    const greeter = createClient(Greeter, channel);
    for (let i = 0; i < 20; i++) expect(await greeter.sayHello({ name: "you" })).toEqual({ message: "Hello you" });
  });
});

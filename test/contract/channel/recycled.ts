import { Code, createChannel, createClient, Metadata, RpcError } from "trunkline";
import { describe, expect, test } from "vitest";
import { Greeter } from "../../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import type { Resolver } from "../../../src/registry/registry.ts";
import { greetings } from "../../support/greeter.ts";
import { createLog } from "../../support/log.ts";
import { collected, failure, type World } from "./world.ts";

const { UNIMPLEMENTED, UNAVAILABLE } = Code;

/** An address that a registry, or a snapshot on disk, still takes for a greeter's, and that is another server's now. */
export function recycled(world: () => World): void {
  async function greeters(count: number, strangers: number) {
    const one = world();
    const addresses: string[] = [];
    for (let i = 0; i < strangers; i++) addresses.push(await one.serve());
    for (let i = 0; i < count; i++) addresses.push(await one.serveOther(Greeter, greetings));
    return { one, addresses };
  }

  describe.each([
    ["with circuits", {}],
    ["without circuits", { breaker: false }],
  ] as const)("%s", (_name, options) => {
    test("no call fails while one of three addresses is a stranger's, and the log says so once", async () => {
      const { one, addresses } = await greeters(2, 1);
      const logger = createLog();
      const greeter = createClient(Greeter, one.channel(addresses, { ...options, logger }));
      const first = await Promise.all(Array.from({ length: 30 }, () => greeter.sayHelloAgain({ name: "you" })));
      for (const { message } of first) expect(message).toBe("Hello again, you");
      for (let i = 0; i < 10; i++) {
        await greeter.sayHello({});
        await collected(greeter.chat([{ name: "you" }]));
      }
      const said = "the server at this address has no such service: calls go to others";
      expect(logger.of()).toMatchObject([{ message: said, fields: { peer: addresses[0], service: Greeter.name } }]);
    });
  });

  test("no call fails while the registry is away and one of three addresses that it named is a stranger's", async () => {
    const { one, addresses } = await greeters(2, 1);
    const stale: Resolver = {
      resolve(_service, update) {
        update({ state: "stale", endpoints: addresses.map((address) => ({ address })), reason: "it is away" });
        return () => {};
      },
    };
    const channel = createChannel({ registry: stale, transport: one.transport });
    one.after(() => channel.close(0));
    const greeter = createClient(Greeter, channel);
    for (let i = 0; i < 30; i++) await greeter.sayHelloAgain({});
  });

  test("a stranger is asked once, and its own service is called there as ever", async () => {
    const one = world();
    let asked = 0;
    const counted = { ...greetings, sayHello: () => ({ message: "" }) };
    const stranger = await one.transport.listen(
      "127.0.0.1:0",
      {
        method: (path) => Object.values<any>(Probe.methods).find((each) => each.path === path),
        handle: (call) => ({ response: call.request, header: Metadata.EMPTY, trailer: Metadata.EMPTY }),
        // As grpc-go says it.
        unknown(path) {
          asked++;
          return new RpcError(UNIMPLEMENTED, `unknown service ${path.split("/")[1]}`);
        },
      },
      {},
    );
    one.after(() => stranger.close());
    const channel = one.channel([stranger.address, await one.serveOther(Greeter, counted)]);
    const greeter = createClient(Greeter, channel);
    for (let i = 0; i < 10; i++) await greeter.sayHelloAgain({});
    expect(asked).toBe(1);
    expect(
      (
        await createClient(Probe, channel)
          .echo({ text: "hi" })
          .catch((error) => error)
      ).code ?? 0,
    ).toBe(0);
  });

  test("where all are strangers, UNIMPLEMENTED is the answer", async () => {
    const { one, addresses } = await greeters(0, 1);
    const greeter = createClient(Greeter, one.channel(addresses));
    for (let i = 0; i < 3; i++) {
      const failed = await failure(greeter.sayHello({}));
      expect(failed).toMatchObject({ code: UNIMPLEMENTED, message: "this server has no service greeter.v1.Greeter" });
      expect(failed).toMatchObject({ unprocessed: false });
    }
  });

  test("where the others cannot be reached, the error says that and not that nobody has the service", async () => {
    const { one, addresses } = await greeters(0, 1);
    const greeter = createClient(Greeter, one.channel([...addresses, "127.0.0.1:1"]));
    await failure(greeter.sayHello({}));
    const failed = await failure(greeter.sayHello({}));
    expect(failed.code).toBe(UNAVAILABLE);
    expect(failed.message).toContain("1 without the service");
  });

  test("a method that is missing is the handler's affair, and its server no stranger", async () => {
    const one = world();
    let asked = 0;
    const at = await one.serveOther(Greeter, {
      ...greetings,
      sayHello() {
        asked++;
        throw new RpcError(UNIMPLEMENTED, "not in this version");
      },
    });
    const greeter = createClient(Greeter, one.channel([at, at]));
    expect(await failure(greeter.sayHello({}))).toMatchObject({ code: UNIMPLEMENTED, unprocessed: false });
    expect(asked).toBe(1);
    await greeter.sayHelloAgain({});
  });
}

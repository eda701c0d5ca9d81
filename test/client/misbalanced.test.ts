import {
  type Balancer,
  Code,
  consistentHash,
  createChannel,
  createClient,
  createServer,
  leastLoaded,
  memoryRegistry,
  peakEwma,
  RpcError,
  roundRobin,
  weighted,
  zoneAware,
} from "trunkline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greetings } from "../support/greeter.ts";
import { wires } from "../support/wires.ts";

const server = createServer().add(Greeter, greetings);
let address = "";
beforeAll(async () => {
  address = await server.listen("127.0.0.1:0");
});
afterAll(() => server.close({ timeoutMs: 0 }));

test.each([consistentHash, leastLoaded, peakEwma, roundRobin, weighted, zoneAware] as const)(
  "%o given uncalled is refused at once",
  (maker) => {
    expect(() => createChannel({ endpoints: [address], balancer: maker as never })).toThrow(
      new TypeError(`balancer is ${maker.name} itself, which makes one: call it, balancer: ${maker.name}()`),
    );
  },
);

const shape = "a balancer is (peers) => (call) => peer";
const given = "pick one of those that it was given, or undefined";

describe.each([
  ["no picker", (peers: any) => peers[0], `the balancer made an object of its peers, and no function: ${shape}`],
  ["nothing", () => undefined, `the balancer made undefined of its peers, and no function: ${shape}`],
  ["a picker of objects", () => () => ({}), `the balancer picked an object, and no peer: ${shape}; ${given}`],
  ["a picker of null", () => () => null, `the balancer picked null, and no peer: ${shape}; ${given}`],
  ["a picker of addresses", () => () => address, `the balancer picked a string, and no peer: ${shape}; ${given}`],
  [
    "a picker that is async",
    (peers: any) => async () => peers[0],
    `the balancer picked a promise, and no peer: ${shape}; ${given}`,
  ],
  [
    "a maker of its own, uncalled",
    () => (peers: any) => () => peers[0],
    `the balancer picked a function, and no peer: ${shape}; is what makes it still to be called?`,
  ],
])("a balancer that makes %s", (_what, balancer, why) => {
  test.each(["at the first call, which waits", "at a later one", "of a stream", "that waits for ready"])(
    "is named %s",
    async (when) => {
      let asked = false;
      // Until the connection stands it is a good one, where it is to be called later.
      const turning: Balancer = (peers) => (asked ? (balancer as never as Balancer)(peers) : roundRobin()(peers));
      await using channel = createChannel({
        endpoints: [address],
        balancer: when === "at a later one" ? (peers) => (call) => turning(peers)(call) : (balancer as never),
      });
      const greeter = createClient(Greeter, channel);
      if (when === "at a later one") await greeter.sayHello({});
      asked = true;
      const call = async (): Promise<unknown> => {
        if (when === "of a stream") return greeter.chat([]).next();
        return greeter.sayHello({}, { waitForReady: when === "that waits for ready" });
      };
      const error = await call().then(() => expect.fail("it was answered"), RpcError.from);
      expect(error).toMatchObject({ local: true, method: expect.stringMatching("/greeter.v1.Greeter/") });
      // What is called within another picker makes what is no picker fail as a call of it does.
      const isWithin = when === "at a later one" && why.includes("made");
      if (!isWithin) expect(error).toMatchObject({ code: Code.INTERNAL, message: why });
    },
  );
});

describe.each(wires)("over %s", (_name, wire) => {
  test("a balancer that keeps a server which is listed no more is told so", async () => {
    const transport = wire();
    const registry = memoryRegistry();
    const serve = async () => {
      const one = createServer({ registry, transport }).add(Greeter, greetings);
      await one.listen("127.0.0.1:0");
      return one;
    };
    const first = await serve();
    let kept: Parameters<Balancer>[0][number] | undefined;
    await using channel = createChannel({
      registry,
      transport,
      balancer(peers) {
        kept ??= peers[0];
        return () => kept;
      },
    });
    const greeter = createClient(Greeter, channel);
    await greeter.sayHello({});
    await using _second = await serve();
    await first.close({ timeoutMs: 0 });
    const told =
      /^[^ ]+ is called no more, since it is listed no more or .*: a balancer picks from the peers that it was given last$/;
    let error: RpcError | undefined;
    while (error === undefined || !told.test(error.message)) {
      await new Promise(setImmediate);
      error = await greeter.sayHello({}, { retry: { maxAttempts: 1 } }).then(() => undefined, RpcError.from);
    }
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
  });
});

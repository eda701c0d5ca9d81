import { pino } from "pino";
import { Code, createChannel, createClient, createServer, RpcError } from "trunkline";
import { serveAdmin } from "trunkline/admin";
import { describe, expect, test } from "vitest";
import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import {
  Peer_Circuit,
  Registration_State,
  Server_State,
  type WatchResponse,
} from "../../gen/trunkline/admin/v1/admin.ts";
import { adminWorld } from "./world.ts";

const hello = "/greeter.v1.Greeter/SayHello";
const token = "a-token-that-nobody-guesses";

const called = ({ channels }: WatchResponse) => channels[0]?.methods.find(({ path }) => path === hello);
const answered = ({ servers }: WatchResponse) => servers[0]?.methods.find(({ path }) => path === hello);
const greeters = ({ channels }: WatchResponse) =>
  channels[0]?.services.find(({ name }) => name === "greeter.v1.Greeter");

describe("watch", () => {
  test("shows the process, its servers and their calls", async () => {
    await using world = await adminWorld();
    for (let i = 0; i < 20; i++) await world.greeter.sayHello({ name: "you" });
    const picture = await world.until((each) => answered(each)?.traffic?.total === 20n);
    expect(picture.process).toMatchObject({ pid: process.pid, nodeVersion: process.version, logLevel: "" });
    expect(picture.servers).toMatchObject([
      {
        address: world.address,
        state: Server_State.STATE_SERVING,
        services: ["trunkline.admin.v1.Admin", "greeter.v1.Greeter"],
        connections: 2,
        registrations: [{ state: Registration_State.STATE_HELD, address: world.address }],
      },
    ]);
    expect(answered(picture)).toMatchObject({ inFlight: 0, traffic: { failed: 0n, byCode: { OK: 20n } } });
    const { perSecond, p50, p99 } = answered(picture)?.traffic ?? {};
    expect(perSecond).toBeGreaterThan(0);
    expect(p50?.nanos).toBeGreaterThan(0);
    expect(p99?.seconds).toBe(0n);
  });

  test("shows whom a channel calls, and what came of it", async () => {
    await using world = await adminWorld();
    await world.greeter.sayHello({ name: "you" });
    const picture = await world.until((each) => greeters(each)?.peers[0]?.traffic?.total === 1n);
    expect(picture.channels[0]?.name).toBe("greeters");
    expect(greeters(picture)).toMatchObject({
      registryState: "current",
      endpoints: 1,
      panic: false,
      peers: [{ address: world.address, state: "ready", circuit: Peer_Circuit.CIRCUIT_CLOSED }],
    });
    expect(called(picture)?.traffic?.total).toBe(1n);
  });

  test("calls under way are counted, and failures by their codes", async () => {
    const free = Promise.withResolvers<void>();
    await using world = await adminWorld({
      async sayHello({ name }) {
        if (name === "bad") throw new RpcError(Code.NOT_FOUND, "nobody of that name");
        await free.promise;
        return {};
      },
    });
    const waiting = [world.greeter.sayHello({ name: "a" }), world.greeter.sayHello({ name: "b" })];
    await expect(world.greeter.sayHello({ name: "bad" })).rejects.toThrow("nobody of that name");
    const picture = await world.until((each) => called(each)?.inFlight === 2 && answered(each)?.inFlight === 2);
    for (const side of [called(picture), answered(picture)]) {
      expect(side?.traffic).toMatchObject({ total: 1n, failed: 1n, byCode: { NOT_FOUND: 1n } });
    }
    free.resolve();
    await Promise.all(waiting);
    await world.until((each) => called(each)?.inFlight === 0 && answered(each)?.traffic?.total === 3n);
  });

  test("a circuit that opens is seen open", async () => {
    await using world = await adminWorld({
      sayHello() {
        throw new RpcError(Code.UNAVAILABLE, "not today");
      },
    });
    for (let i = 0; i < 40; i++) await world.greeter.sayHello({ name: "you" }).catch(() => {});
    const open = (each: WatchResponse) => greeters(each)?.peers[0]?.circuit === Peer_Circuit.CIRCUIT_OPEN;
    const picture = await world.until(open);
    expect(greeters(picture)?.peers[0]?.reason).not.toBe("");
  });

  test("a watch that is left ends, and one more than may be is refused", async () => {
    await using world = await adminWorld();
    const watches = Array.from({ length: 32 }, () => world.admin.watch({})[Symbol.asyncIterator]());
    for (const watch of watches) await watch.next();
    await expect(world.admin.watch({})[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
    });
    for (const watch of watches) await watch.return?.();
    const taken = () => world.until(() => true).catch(({ code }: RpcError) => code === Code.RESOURCE_EXHAUSTED);
    while ((await taken()) === true);
  });

  test("it cannot be asked for a picture at every moment", async () => {
    await using world = await adminWorld();
    const hurried = world.admin
      .watch({ every: { seconds: 0n, nanos: 1 } })
      [Symbol.asyncIterator]()
      .next();
    await expect(hurried).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("it does not hold up the close, and its last picture is of a drain", async () => {
    await using world = await adminWorld();
    const states: Server_State[] = [];
    const watching = (async () => {
      for await (const { servers } of world.admin.watch({})) {
        states.push(servers[0]?.state ?? 0);
        if (states.length === 1) void world.server.close({ quietMs: 0 });
      }
    })();
    await watching;
    expect(states).toEqual([Server_State.STATE_SERVING, Server_State.STATE_DRAINING]);
  });
});

describe("calls", () => {
  const failing = {
    sayHello({ name }: { name: string }) {
      throw new RpcError(Code.NOT_FOUND, `no ${name}`);
    },
  };

  test("that failed are explained on either side, the last first, and those that went well are not kept", async () => {
    await using world = await adminWorld(failing);
    await world.greeter.sayHelloAgain({ name: "you" });
    for (const name of ["one", "two"]) await world.greeter.sayHello({ name }).catch(() => {});
    const { calls } = await world.admin.listCalls({ method: "greeter.v1.Greeter" });
    const [last, ...others] = calls.filter(({ side }) => side === "client");
    expect(others).toHaveLength(1);
    expect(last).toMatchObject({ method: hello, code: "NOT_FOUND", message: "no two" });
    expect(last?.explanation).toContain(`attempt 1: to ${world.address}, NOT_FOUND`);
    expect(JSON.parse(last?.record ?? "")).toMatchObject({ id: last?.id, code: "NOT_FOUND" });
    expect(calls.filter(({ side }) => side === "server")).toHaveLength(2);
    const { calls: found } = await world.admin.listCalls({ id: last?.id ?? "" });
    expect(found).toEqual([last]);
  });

  test("that were slow are kept where it is said what is slow, and so many as it is said", async () => {
    await using world = await adminWorld({}, { calls: { slowMs: 0, size: 4 } });
    for (let i = 0; i < 6; i++) await world.greeter.sayHello({ name: "you" });
    const { calls } = await world.admin.listCalls({});
    expect(calls).toHaveLength(4);
    expect(await world.admin.listCalls({ limit: 1 })).toMatchObject({ calls: [{}] });
    expect(await world.admin.listCalls({ method: "other.v1.Other" })).toMatchObject({ calls: [] });
  });
});

describe("changes", () => {
  test("the level of a log is set, and one that there is not is refused", async () => {
    const logger = pino({ level: "info" }, { write() {} });
    await using world = await adminWorld({}, { logger });
    expect(await world.admin.setLogLevel({ level: "debug" })).toMatchObject({ before: "info" });
    expect(logger.level).toBe("debug");
    expect((await world.until(() => true)).process?.logLevel).toBe("debug");
    await expect(world.admin.setLogLevel({ level: "loud" })).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    expect(logger.level).toBe("debug");
  });

  test("without a logger there is no level to set", async () => {
    await using world = await adminWorld();
    await expect(world.admin.setLogLevel({ level: "debug" })).rejects.toMatchObject({
      code: Code.FAILED_PRECONDITION,
    });
  });

  test("a drain is answered, loses no call, and closes the server", async () => {
    const free = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using world = await adminWorld({
      async sayHello({ name }) {
        begun.resolve();
        await free.promise;
        return { message: name };
      },
    });
    const call = world.greeter.sayHello({ name: "late" });
    await begun.promise;
    expect(await world.admin.drain({ address: world.address })).toMatchObject({ addresses: [world.address] });
    free.resolve();
    expect(await call).toMatchObject({ message: "late" });
    await world.server.close();
    expect(world.server.address).toBe(world.address);
    await expect(world.greeter.sayHello({ name: "you" })).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("a server that there is not is not drained", async () => {
    await using world = await adminWorld();
    await expect(world.admin.drain({ address: "10.0.0.1:1" })).rejects.toMatchObject({
      code: Code.NOT_FOUND,
      message: `no server of this process is bound to 10.0.0.1:1; it has ${world.address}`,
    });
  });
});

describe("who is let in", () => {
  test("who brings a token, and nobody else", async () => {
    const next = "the-token-that-comes-next";
    for (const given of [token, next]) {
      await using world = await adminWorld({}, { tokens: [token, next] }, { authorization: `Bearer ${given}` });
      await world.until(() => true);
    }
    const others: Record<string, string>[] = [
      {},
      { authorization: "Bearer wrong" },
      { authorization: `Basic ${token}` },
    ];
    for (const credentials of others) {
      await using world = await adminWorld({}, { tokens: [token, next] }, credentials);
      await expect(world.admin.drain({})).rejects.toMatchObject({
        code: Code.UNAUTHENTICATED,
        message: "the token is missing or wrong",
      });
      await world.greeter.sayHello({ name: "you" });
    }
  });

  test.each(["0.0.0.0:0", "[::]:0"])("without a credential it is not served on %s", async (address) => {
    const server = createServer();
    serveAdmin(server);
    await expect(server.listen(address)).rejects.toThrow(/asks for no credential.*give serveAdmin a token or a guard/);
    await server.close();
  });

  test("with one it is", async () => {
    await using server = createServer();
    serveAdmin(server, { tokens: [token] });
    const port = (await server.listen("0.0.0.0:0")).split(":").at(-1);
    await using channel = createChannel({ endpoints: [`127.0.0.1:${port}`] });
    await expect(createClient(Admin, channel).drain({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  test.each([
    [{ tokens: [] }, "tokens is an empty list"],
    [{ tokens: ["short"] }, "can be guessed"],
    [{ tokens: [token], guard: () => {} }, "tokens or a guard, not both"],
    [{ channels: { orders: {} } }, "channels.orders is an object"],
    [{ token }, "token"],
  ])("options %j are refused", (options, why) => {
    expect(() => serveAdmin(createServer(), options as never)).toThrow(why);
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import {
  Code,
  createChannel,
  createClient,
  createServer,
  type Interceptor,
  Metadata,
  RpcError,
  type Server,
} from "trunkline";
import { afterEach, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

// Real servers on real sockets: what holds of a breaker alone must hold of a channel.

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Backend {
  readonly server: Server;
  readonly address: string;
  calls: number;
  fault: RpcError | undefined;
}

async function backend(): Promise<Backend> {
  const answer = (): { message: string } => {
    started.calls++;
    if (started.fault !== undefined) throw started.fault;
    return { message: "" };
  };
  const server = createServer({ drain: { quietMs: 0 } }).add(Greeter, {
    sayHello: answer,
    sayHelloAgain: answer,
    async *chat() {},
  });
  const started: Backend = { server, address: "", calls: 0, fault: undefined };
  const address = await server.listen("127.0.0.1:0");
  open.push(server);
  return Object.assign(started, { address });
}

async function three(): Promise<[Backend, Backend, Backend]> {
  return [await backend(), await backend(), await backend()];
}

function greeterOver(backends: readonly Backend[], changes: string[] = []) {
  const channel = createChannel({
    endpoints: backends.map(({ address }) => address),
    breaker: {
      openMs: 60_000,
      maxOpenMs: 60_000,
      onChange: (state, { address }) => changes.push(`${state} ${address}`),
    },
  });
  open.push(channel);
  return createClient(Greeter, channel);
}

const through: Interceptor = (next) => next;

const sick = new RpcError(Code.UNAVAILABLE, "the disk is gone");

test("a server that fails loses five calls, then is walked around, and no other circuit opens", async () => {
  const backends = await three();
  backends[0].fault = sick;
  const changes: string[] = [];
  const greeter = greeterOver(backends, changes);
  let failed = 0;
  for (let i = 0; i < 60; i++) await greeter.sayHelloAgain({}).catch(() => failed++);
  expect(failed).toBe(5);
  expect(changes).toEqual([`open ${backends[0].address}`]);
});

test("an idempotent call does not notice a server that fails", async () => {
  const backends = await three();
  backends[0].fault = sick;
  const greeter = greeterOver(backends);
  for (let i = 0; i < 60; i++) await greeter.sayHello({});
  expect(backends[0].calls).toBe(5);
});

test("when every circuit is open the error says so, at once", async () => {
  const backends = await three();
  for (const each of backends) each.fault = sick;
  const greeter = greeterOver(backends);
  for (let i = 0; i < 30; i++) await greeter.sayHelloAgain({}).catch(() => {});
  const calls = backends.map((each) => each.calls);
  const error = await greeter.sayHelloAgain({}).catch((caught) => caught);
  expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
  expect(error.message).toContain("3 with an open circuit");
  expect(backends.map((each) => each.calls)).toEqual(calls);
});

test("after every server has failed calls succeed again soon, however long circuits stay open", async () => {
  const backends = await three();
  for (const each of backends) each.fault = sick;
  const greeter = greeterOver(backends);
  for (let i = 0; i < 30; i++) await greeter.sayHelloAgain({}).catch(() => {});
  for (const each of backends) each.fault = undefined;
  // They stay open for a minute, had not a call every 20 ms asked for them.
  const startedMs = performance.now();
  while (
    !(await greeter.sayHelloAgain({}).then(
      () => true,
      () => false,
    ))
  ) {
    await sleep(20);
  }
  expect(performance.now() - startedMs).toBeLessThan(20_000);
  for (let i = 0; i < 20; i++) await greeter.sayHelloAgain({});
});

test("an error names the server that it came from", async () => {
  const backends = await three();
  for (const each of backends) each.fault = new RpcError(Code.NOT_FOUND, "no such name");
  const error = await greeterOver(backends)
    .sayHello({})
    .catch((caught) => caught);
  expect(backends.map((each) => each.address)).toContain(error.peer);
});

test("a server's pushback reaches the client: it is not tried again", async () => {
  const backends = await three();
  const metadata = Metadata.fromFlat(["grpc-retry-pushback-ms", "-1"]);
  for (const each of backends) each.fault = new RpcError(Code.UNAVAILABLE, "too much", { metadata });
  const error = await greeterOver(backends)
    .sayHello({})
    .catch((caught) => caught);
  expect(error).toMatchObject({ code: Code.UNAVAILABLE });
  expect(backends.map((each) => each.calls).reduce((sum, calls) => sum + calls)).toBe(1);
});

test("the server is told which attempt it gets", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer({ drain: { quietMs: 0 } }).add(Greeter, {
    sayHello(_, { metadata }) {
      seen.push(metadata.get("grpc-previous-rpc-attempts"));
      throw sick;
    },
    sayHelloAgain: () => ({}),
    async *chat() {},
  });
  const address = await server.listen("127.0.0.1:0");
  open.push(server);
  const backends = [{ ...(await backend()), address }];
  await greeterOver(backends)
    .sayHello({}, { retry: { maxAttempts: 3 } })
    .catch(() => {});
  expect(seen).toEqual([undefined, "1", "2"]);
});

test.each([[{}], [{ interceptors: [through] }]])(
  "answers that came while this process stood still are taken, with %j",
  async (options) => {
    let still = (): void => {};
    const server = createServer({ drain: { quietMs: 0 } }).add(Greeter, {
      sayHello() {
        still();
        return { message: "" };
      },
      sayHelloAgain: () => ({}),
      async *chat() {},
    });
    const changes: string[] = [];
    const breaker = { onChange: (state: string) => changes.push(state) };
    const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")], breaker, ...options });
    open.push(server, channel);
    const greeter = createClient(Greeter, channel);
    await greeter.sayHello({});
    still = () => {
      still = () => {};
      // Once the answers have been written, and before they can be read.
      setImmediate(standStill, 400);
    };
    const calls = Array.from({ length: 10 }, () => greeter.sayHello({}, { timeoutMs: 200, retry: false }));
    expect(await Promise.all(calls)).toHaveLength(10);
    expect(changes).toEqual([]);
  },
);

function standStill(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

import {
  type CallRecord,
  Code,
  createChannel,
  createClient,
  detail,
  Metadata,
  memoryRegistry,
  RpcError,
} from "trunkline";
import { explainCall, recorder } from "trunkline/observe";
import { describe, expect, test, vi } from "vitest";
import { Greeter } from "../../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { greetings } from "../../support/greeter.ts";
import { createLog } from "../../support/log.ts";
import { collected, failure, type World } from "./world.ts";

const service = "probe.v1.Probe";
const echo = `/${service}/Echo`;

function throws(code: Code, message: string) {
  return () => {
    throw new RpcError(code, message);
  };
}

/** What the error of a failed call says of how it came to that. */
export function explained(world: () => World): void {
  async function failed(code: Code, options: object = {}, message = "gone for now"): Promise<CallRecord> {
    const one = world();
    const address = await one.serve({ echo: throws(code, message) as never });
    const error = await failure(one.probe([address], options).echo({}));
    expect(error.record.peers.first.map((peer: { address: string }) => peer.address)).toEqual([address]);
    return error.record;
  }

  test("has what was decided, and text for a person", async () => {
    const one = world();
    const address = await one.serve({ echo: throws(Code.NOT_FOUND, "no such thing") as never });
    const error = await failure(one.probe([address]).echo({}));
    const { record } = error;
    expect(record).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      side: "client",
      method: echo,
      code: "NOT_FOUND",
      message: "no such thing",
      tookMs: expect.any(Number),
      leftMs: expect.any(Number),
      attempts: [{ attempt: 1, peer: address, code: "NOT_FOUND", message: "no such thing", pausedMs: 0 }],
      stopped: "answered",
      registry: { state: "current", endpoints: 1, ageMs: expect.any(Number) },
      peers: { known: 1, byState: { ready: 1 }, panic: false, first: [{ address, state: "ready" }] },
      help: "nothing on the way: it is what the server answered",
    });
    expect(record.peers.first[0].passedOver).toBeUndefined();
    expect(JSON.parse(JSON.stringify(record))).toMatchObject({ id: record.id });
    expect(error.record).toBe(record);
    const text: string = error.explain();
    for (const part of [echo, "NOT_FOUND", record.id, "registry: current, 1 listed", address, "attempt 1", "helped"]) {
      expect(text).toContain(part);
    }
    expect(explainCall(record)).toBe(text);
  });

  test("has each attempt, and why there was no other", async () => {
    const retry = { maxAttempts: 3, initialBackoffMs: 4, maxBackoffMs: 4 };
    const policy = { methods: { [echo.slice(1)]: { retry } } };
    const { attempts, stopped, help, budgetLeft } = await failed(Code.UNAVAILABLE, { policy });
    expect(attempts).toMatchObject([
      { attempt: 1, code: "UNAVAILABLE", pausedMs: 0 },
      { attempt: 2, code: "UNAVAILABLE" },
      { attempt: 3, code: "UNAVAILABLE" },
    ]);
    for (const { pausedMs } of attempts.slice(1)) expect(pausedMs).toBeGreaterThan(3);
    expect(stopped).toBe("attempts");
    expect(help).toContain("all of its 3 attempts failed");
    expect(budgetLeft).toBeLessThan(10);
  });

  test("has the attempts of a call that was hedged", async () => {
    const policy = { methods: { [echo.slice(1)]: { hedge: { maxAttempts: 2, delayMs: 1_000 } } } };
    const { attempts, stopped } = await failed(Code.UNAVAILABLE, { policy });
    expect(attempts.map(({ code }) => code)).toEqual(["UNAVAILABLE", "UNAVAILABLE"]);
    expect(stopped).toBe("hedged");
  });

  test("says that the budget of retries was spent", async () => {
    const one = world();
    const address = await one.serve({ echo: throws(Code.UNAVAILABLE, "gone") as never });
    const policy = { methods: { [echo.slice(1)]: { retry: { maxAttempts: 5, initialBackoffMs: 0 } } } };
    const probe = one.probe([address], { policy, breaker: false });
    const errors = await Promise.all(Array.from({ length: 20 }, () => failure(probe.echo({}))));
    const spent = errors.map(({ record }) => record as CallRecord).filter(({ stopped }) => stopped === "budget");
    expect(spent.length).toBeGreaterThan(5);
    for (const { budgetLeft, help } of spent) {
      expect(budgetLeft).toBeLessThan(2);
      expect(help).toContain("retry budget was spent");
    }
  });

  test("says that the server wants no further attempt", async () => {
    const one = world();
    const final = () => {
      throw new RpcError(Code.UNAVAILABLE, "never", { final: true });
    };
    const address = await one.serve({ echo: final });
    const { record } = await failure(one.probe([address]).echo({}));
    expect(record).toMatchObject({ stopped: "final", attempts: [{ peer: address }] });
  });

  test("says that its caller ended it while it paused between two attempts", async () => {
    const one = world();
    const address = await one.serve({ echo: throws(Code.UNAVAILABLE, "gone") as never });
    const policy = { methods: { [echo.slice(1)]: { retry: { initialBackoffMs: 5_000, maxBackoffMs: 5_000 } } } };
    const stop = new AbortController();
    const planned = { "retry-planned": () => stop.abort() };
    const probe = one.probe([address], { policy, observers: [planned] });
    const { record } = await failure(probe.echo({}, { signal: stop.signal }));
    expect(record).toMatchObject({ code: "CANCELLED", stopped: "cancelled", attempts: [{ peer: address }] });
    expect(record.help).toBe("nothing: its caller ended it");
  });

  test("says that a method was not retried for want of a word in its contract", async () => {
    const one = world();
    const gone = throws(Code.UNAVAILABLE, "gone");
    const address = await one.serveOther(Greeter, { ...greetings, sayHelloAgain: gone });
    const { record } = await failure(createClient(Greeter, one.channel([address])).sayHelloAgain({}));
    expect(record).toMatchObject({ attempts: [{ peer: address }], stopped: "not-idempotent" });
    expect(record.help).toContain("declare its idempotency_level");
  });

  test("says that a stream of requests was not sent again since it had been read from", async () => {
    const one = world();
    const address = await one.serve({ collect: throws(Code.UNAVAILABLE, "gone") as never });
    const { record } = await failure(one.probe([address]).collect([{}]));
    expect(record).toMatchObject({ attempts: [{ peer: address }], stopped: "requests-read" });
  });

  test("says how long the peer had where time ran out", async () => {
    const one = world();
    const address = await one.serve({ echo: () => new Promise<never>(() => {}) });
    const { record } = await failure(one.probe([address]).echo({}, { timeoutMs: 40 }));
    expect(record).toMatchObject({ code: "DEADLINE_EXCEEDED", leftMs: 0, attempts: [{ peer: address }] });
    expect(record.attempts[0].tookMs).toBeGreaterThan(10);
    expect(record.help).toMatch(new RegExp(`^raise timeoutMs, or find out why ${address} took `));
  });

  test("says what the registry had said, where it lists nobody", async () => {
    const one = world();
    const channel = createChannel({ registry: memoryRegistry(), transport: one.transport, resolveTimeoutMs: 10 });
    one.after(() => channel.close(0));
    const { record } = await failure(createClient(Probe, channel).echo({}));
    expect(record).toMatchObject({
      attempts: [{ attempt: 1, code: "UNAVAILABLE" }],
      stopped: "no-peer",
      registry: { state: "current", endpoints: 0 },
      peers: { known: 0 },
      help: `a server of ${service}: the registry lists none`,
    });
    expect(record.attempts[0].peer).toBeUndefined();
  });

  test("says which circuits are open, and since when", async () => {
    const one = world();
    const address = await one.serve({ echo: throws(Code.UNAVAILABLE, "gone") as never });
    const probe = one.probe([address], { breaker: { consecutiveFaults: 1, openMs: 60_000, maxOpenMs: 60_000 } });
    await failure(probe.echo({}, { retry: false }));
    const { record } = await failure(probe.echo({}));
    expect(record).toMatchObject({
      stopped: "no-peer",
      peers: { byState: { ejected: 1 }, first: [{ address, state: "ejected", passedOver: "its circuit was open" }] },
      help: expect.stringMatching(/^a server that is ready: no peer is \(1 circuit open since [\d.]+ ms\)$/),
    });
  });

  test("folds a large fleet to numbers and the first ten", async () => {
    const one = world();
    const address = await one.serve({ echo: throws(Code.NOT_FOUND, "no") as never });
    const others = Array.from({ length: 40 }, (_, i) => `127.0.0.1:${i + 1}`);
    const channel = one.channel([address, ...others]);
    const probe = createClient(Probe, channel);
    // Peers are made in turns.
    const record: CallRecord = await vi.waitUntil(async () => {
      const { record } = await failure(probe.echo({}, { waitForReady: true }));
      return record.peers.known === 41 && record;
    });
    const { byState, first } = record.peers as NonNullable<CallRecord["peers"]>;
    expect(first).toHaveLength(10);
    expect(Object.values(byState).reduce((sum, count) => sum + count, 0)).toBe(41);
    expect(JSON.stringify(record).length).toBeLessThan(4_000);
  });

  test("is there for a call that never came to an attempt", async () => {
    const one = world();
    const error = await failure(one.probe([await one.serve()]).echo(7 as never));
    expect(error.record).toMatchObject({ code: "INVALID_ARGUMENT", method: echo, attempts: [], stopped: "local" });
    expect(error.explain()).toContain("a request that can be sent");
  });

  test("is there for a stream, and holds nothing of what was sent", async () => {
    const one = world();
    const address = await one.serve({
      async *expand() {
        const details = [detail(Probe.methods.echo.request, { text: "secret-detail" })];
        const metadata = Metadata.from({ "x-secret": "secret-trailer" });
        throw new RpcError(Code.ABORTED, "conflict", { details, metadata });
      },
    });
    const stream = one.probe([address]).expand({ count: 7 }, { metadata: { authorization: "Bearer secret-token" } });
    const error = await failure(collected(stream));
    expect(error.record).toMatchObject({ code: "ABORTED", attempts: [{ peer: address }] });
    expect(`${JSON.stringify(error.record)}${error.explain()}`).not.toContain("secret");
  });

  describe("a recorder", () => {
    test("keeps the latest of the calls that failed, on both sides, and finds them by call and trace", async () => {
      const one = world();
      const [client, server] = [recorder({ size: 2 }), recorder()];
      const address = await one.serve({ echo: throws(Code.NOT_FOUND, "no") as never }, { observers: [server] });
      const probe = one.probe([address], { observers: [client] });
      const trace = "0af7651916cd43dd8448eb211c80319c";
      const metadata = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
      const errors = [];
      for (let i = 0; i < 3; i++) errors.push(await failure(probe.echo({}, { metadata })));
      const ids = errors.map(({ record }) => record.id);
      expect(client.recent().map(({ id }) => id)).toEqual([ids[2], ids[1]]);
      expect(client.find(ids[1])).toMatchObject([{ id: ids[1], trace, tookMs: expect.any(Number) }]);
      expect(client.find(trace)).toHaveLength(2);
      expect(server.find(trace)).toMatchObject([
        { side: "server", code: "NOT_FOUND", caller: expect.any(String) },
        {},
        {},
      ]);
    });

    test("keeps what went well only where it was slow", async () => {
      const one = world();
      const slow = recorder({ slowMs: 0 });
      const quick = recorder({ slowMs: 60_000 });
      const address = await one.serve();
      await one.probe([address], { observers: [slow, quick] }).echo({});
      expect(slow.recent()).toMatchObject([{ code: "OK", help: "", attempts: [{ peer: address }] }]);
      expect(quick.recent()).toEqual([]);
    });

    test("says on a server which call of the handler's it was", async () => {
      const one = world();
      const behind = await one.serve({ echo: throws(Code.ABORTED, "conflict") as never });
      const inner = one.probe([behind]);
      const calls = recorder();
      const logger = createLog();
      const front = await one.serve({ echo: (request) => inner.echo(request) }, { observers: [calls], logger });
      await failure(one.probe([front]).echo({}));
      expect(calls.recent()).toMatchObject([
        { side: "server", code: "ABORTED", because: { side: "client", attempts: [{ peer: behind }] } },
      ]);
      expect(explainCall(calls.recent()[0] as CallRecord)).toContain("because of a call that it made");
    });
  });
}

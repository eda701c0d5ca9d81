import {
  Code,
  concurrencyLimit,
  createClient,
  createServer,
  type Fact,
  type FactKind,
  type FactOf,
  type Interceptor,
  RpcError,
} from "trunkline";
import { describe, expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { createLog } from "../../support/log.ts";
import { collected, failure, type World } from "./world.ts";

interface Kept {
  readonly all: Fact[];
  readonly observer: (fact: Fact) => void;
  of<K extends FactKind>(kind: K): FactOf<K>[];
  /** Resolves with the first fact of a kind, at once where it has come. */
  first<K extends FactKind>(kind: K): Promise<FactOf<K>>;
}

function keep(): Kept {
  const all: Fact[] = [];
  const waiting: (() => void)[] = [];
  const of = <K extends FactKind>(kind: K) => all.filter((fact) => fact.kind === kind) as FactOf<K>[];
  return {
    all,
    of,
    observer(fact) {
      all.push(fact);
      for (const wake of waiting.splice(0)) wake();
    },
    async first(kind) {
      for (;;) {
        const [found] = of(kind);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

const echo = "/probe.v1.Probe/Echo";
const unavailable = () => {
  throw new RpcError(Code.UNAVAILABLE, "gone for now");
};

/** What observers of both sides are told. */
export function facts(world: () => World): void {
  test("a call is told of on both sides, from its beginning to its end", async () => {
    const one = world();
    const [client, server] = [keep(), keep()];
    const address = await one.serve({}, { observers: [server.observer] });
    const probe = one.probe([address], { observers: [client.observer] });
    await probe.echo({ text: "secret" });

    expect(client.of("call-began")).toEqual([{ kind: "call-began", side: "client", method: echo, caller: undefined }]);
    const picked = { method: echo, attempt: 1, peer: address };
    expect(client.of("attempt-picked")).toMatchObject([picked]);
    expect(client.of("attempt-ended")).toMatchObject([{ ...picked, code: "OK" }]);
    const ended = { method: echo, code: "OK", error: undefined, attempts: 1, sent: 1, received: 1 };
    expect(client.of("call-ended")).toMatchObject([{ ...ended, side: "client", peer: address }]);
    expect(await server.first("call-ended")).toMatchObject({ ...ended, side: "server", peer: undefined });
    expect(server.of("call-began")).toMatchObject([{ side: "server", method: echo, caller: expect.any(String) }]);
    for (const { tookMs } of client.of("call-ended")) expect(tookMs).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify([...client.all, ...server.all])).not.toContain("secret");
  });

  test("a failed call has its code on both sides, and its attempts with the wait between them", async () => {
    const one = world();
    const [client, server] = [keep(), keep()];
    const address = await one.serve({ echo: unavailable }, { observers: [server.observer] });
    const probe = one.probe([address], {
      observers: [client.observer],
      policy: { methods: { "probe.v1.Probe": { retry: { maxAttempts: 2, initialBackoffMs: 1 } } } },
    });
    const error = await failure(probe.echo({}));

    const { error: told, ...ended } = client.of("call-ended")[0] as FactOf<"call-ended">;
    expect(ended).toMatchObject({ code: "UNAVAILABLE", peer: address, received: 0 });
    expect(told?.message).toBe(error.message);
    expect(await server.first("call-ended")).toMatchObject({ side: "server", code: "UNAVAILABLE", sent: 0 });
    expect(client.of("attempt-ended").every(({ code }) => code === "UNAVAILABLE")).toBe(true);
    const failed = client.of("attempt-failed");
    expect(failed).toHaveLength(ended.attempts);
    expect(failed.at(-1)).toMatchObject({ peer: address, code: "UNAVAILABLE", againInMs: undefined });
    expect(client.of("retry-planned")).toHaveLength(ended.attempts - 1);
  });

  describe("a stream", () => {
    const around: Interceptor = (next) => (call) => next(call);

    test.each([
      ["", []],
      [", through interceptors too", [around]],
    ])("is told of when it has been read to its end, with its messages%s", async (_name, interceptors) => {
      const one = world();
      const [client, server] = [keep(), keep()];
      const address = await one.serve({}, { observers: [server.observer], interceptors });
      const probe = one.probe([address], { observers: [client.observer], interceptors });
      const replies = probe.converse([{ text: "a" }, { text: "b" }, { text: "c" }]);
      await replies.next();
      expect(client.of("call-ended")).toEqual([]);
      await collected(replies);
      const ended = { method: "/probe.v1.Probe/Converse", code: "OK", sent: 3, received: 3 };
      expect(await client.first("call-ended")).toMatchObject(ended);
      expect(await server.first("call-ended")).toMatchObject(ended);
    });

    test("that is left is told of as cancelled", async () => {
      const one = world();
      const client = keep();
      const probe = one.probe([await one.serve()], { observers: [client.observer] });
      for await (const _ of probe.expand({ count: 3 })) break;
      expect(await client.first("call-ended")).toMatchObject({ code: "CANCELLED", sent: 1, received: 1 });
    });
  });

  test("connections are told of on both sides, with what went over them where it can be said", async () => {
    const one = world();
    const [client, server] = [keep(), keep()];
    const address = await one.serve({}, { observers: [server.observer] });
    const channel = one.channel([address], { observers: [client.observer] });
    await createClient(Probe, channel).echo({});
    expect(client.of("connection-opened")).toMatchObject([{ side: "client", address }]);
    expect(client.of("peer-state-changed").map(({ from, to }) => [from, to])).toEqual([
      [undefined, "connecting"],
      ["connecting", "ready"],
    ]);
    await channel.close();
    expect(await client.first("connection-closed")).toMatchObject({ side: "client", address });
    expect(client.of("peer-state-changed").at(-1)).toMatchObject({ from: "ready", to: "closed" });
    if (one.transport.name === "memory") return;
    const { bytesReceived = 0, bytesSent = 0, ...closed } = await server.first("connection-closed");
    expect(closed).toMatchObject({ side: "server", address, peer: expect.any(String), reason: expect.any(String) });
    expect(Math.min(bytesReceived, bytesSent)).toBeGreaterThan(30);
  });

  test("a circuit is told of as it opens, with whose it is", async () => {
    const one = world();
    const client = keep();
    const address = await one.serve({ echo: unavailable });
    const probe = one.probe([address], { observers: [client.observer], breaker: { consecutiveFaults: 1 } });
    await failure(probe.echo({}, { retry: false }));
    const whose = { service: "probe.v1.Probe", peer: address };
    expect(client.of("circuit-opened")).toMatchObject([{ ...whose, code: "UNAVAILABLE", message: "gone for now" }]);
    expect(client.of("peer-state-changed").at(-1)).toMatchObject({ to: "ejected", reason: "circuit open" });
    await client.first("circuit-half-open");
  });

  test("a server tells of its listening, its drain and its end", async () => {
    const one = world();
    const server = keep();
    const it = createServer({ transport: one.transport, observers: [server.observer] });
    it.add(Probe, { echo: (r: object) => r, expand: never, collect: never, converse: never } as never);
    const address = await it.listen("127.0.0.1:0");
    await it.close({ quietMs: 0 });
    const kinds = ["listening", "drain-began", "drain-ended", "server-closed"] as const;
    expect(server.all.map(({ kind }) => kind).filter((kind) => kinds.includes(kind as never))).toEqual(kinds);
    for (const kind of kinds) expect(server.of(kind)).toMatchObject([{ address }]);
  });

  test("a limit of a server tells the server's observers whom it refused", async () => {
    const one = world();
    const server = keep();
    const options = { initialLimit: 1, minLimit: 1, maxLimit: 1, maxWaiting: 0 };
    const gate = Promise.withResolvers<object>();
    const address = await one.serve(
      { echo: () => gate.promise as never },
      { observers: [server.observer], interceptors: [concurrencyLimit(options)] },
    );
    const probe = one.probe([address]);
    const held = probe.echo({});
    await server.first("call-began");
    await failure(probe.echo({}, { retry: false }));
    gate.resolve({});
    await held;
    expect(server.of("limit-refused")).toMatchObject([{ limit: "concurrency", method: echo }]);
  });

  test("an observer that throws harms no call, and is logged once", async () => {
    const one = world();
    const logger = createLog();
    const bad = (): never => {
      throw new Error("no");
    };
    const address = await one.serve({}, { observers: [bad], logger });
    const probe = one.probe([address], { observers: [bad], logger });
    for (let i = 0; i < 3; i++) await probe.echo({});
    await collected(probe.expand({ count: 2 }));
    expect(logger.of("error").map(({ message }) => message)).toHaveLength(2);
  });

  test("an observer may come while calls are made, and go", async () => {
    const one = world();
    const channel = one.channel([await one.serve()]);
    const probe = createClient(Probe, channel);
    await probe.echo({});
    const client = keep();
    const stop = channel.observe?.(client.observer);
    await probe.echo({});
    stop?.();
    await probe.echo({});
    expect(client.of("call-ended")).toHaveLength(1);
  });
}

function never(): never {
  throw new Error("not called");
}

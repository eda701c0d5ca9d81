import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BreakerOptions, breaker } from "../../src/breaker/breaker.ts";
import type { Reply } from "../../src/core/call.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { RpcError } from "../../src/core/rpc-error.ts";
import type { Peer } from "../../src/core/transport.ts";
import { type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";
import { createLog } from "../support/log.ts";
import { echo, type FakePeer, failure, fakePeer, reply } from "./fake-peer.ts";

let clock: VirtualClock;
let giveBack: () => void;
let states: string[];
let changes: number;

beforeEach(() => {
  clock = virtualClock();
  giveBack = clock.takeGlobals();
  states = [];
  changes = 0;
});

afterEach(() => giveBack());

function guarded(options: BreakerOptions = {}): { server: FakePeer; peer: Peer } {
  const server = fakePeer();
  const peer = breaker(
    server,
    { clock, random: () => 1, onChange: (state) => states.push(state), ...options },
    () => changes++,
  );
  return { server, peer };
}

async function fail(server: FakePeer, peer: Peer, error: RpcError, times = 1, lastsMs = 0): Promise<void> {
  const { answer } = server;
  for (let i = 0; i < times; i++) {
    server.answer = () => new Promise((_, reject) => clock.setTimeout(() => reject(error), lastsMs));
    const call = peer.handle(echo).catch((caught) => caught);
    await clock.advance(lastsMs);
    expect(await call).toBe(error);
  }
  server.answer = answer;
}

describe("an open circuit that is hurried", () => {
  test("lets a probe through before its time, but not sooner than half a second after it opened", async () => {
    const { server, peer } = guarded({ openMs: 60_000, maxOpenMs: 60_000 });
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(499);
    peer.hurry?.();
    await clock.advance(10);
    expect([peer.ready, states]).toEqual([false, ["open"]]);
    peer.hurry?.();
    peer.hurry?.();
    await clock.advance(10);
    expect([peer.ready, peer.onTrial, states]).toEqual([true, true, ["open", "half-open"]]);
    await peer.handle(echo);
    await clock.advance(0);
    expect([peer.ready, peer.onTrial, states]).toEqual([true, false, ["open", "half-open", "closed"]]);
  });

  test("sends no second probe while the first has no answer, and opens for longer when it fails", async () => {
    const { server, peer } = guarded({ openMs: 10_000, maxOpenMs: 20_000 });
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(600);
    peer.hurry?.();
    await clock.advance(10);
    const error = failure("UNAVAILABLE");
    server.answer = () => new Promise((_, reject) => clock.setTimeout(() => reject(error), 700));
    const probe = peer.handle(echo).catch((caught) => caught);
    await clock.advance(600);
    peer.hurry?.();
    await clock.advance(10);
    expect([peer.ready, states]).toEqual([false, ["open", "half-open"]]);
    await clock.advance(200);
    expect(await probe).toBe(error);
    expect(states).toEqual(["open", "half-open", "open"]);
    await clock.advance(19_000);
    expect(peer.ready).toBe(false);
    await clock.advance(1_100);
    expect(peer.ready).toBe(true);
  });

  test("of a silent peer is an open circuit", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    server.ready = false;
    server.silent = true;
    expect([peer.state, peer.reason]).toEqual(["ejected", "circuit open"]);
  });

  test("that is closed is left alone", async () => {
    const { peer } = guarded();
    peer.hurry?.();
    await peer.handle(echo);
    expect([peer.ready, states]).toEqual([true, []]);
  });
});

describe("a closed circuit", () => {
  test("opens after five faults in a row", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 4);
    expect(peer.ready).toBe(true);
    await fail(server, peer, failure("UNAVAILABLE"));
    expect([peer.ready, peer.state, peer.reason]).toEqual([false, "ejected", "circuit open"]);
    expect(states).toEqual(["open"]);
    expect(changes).toBe(1);
  });

  test("forgets faults in a row when an answer comes between them", async () => {
    const { server, peer } = guarded();
    for (let i = 0; i < 4; i++) {
      await fail(server, peer, failure("INTERNAL"), 3);
      for (let k = 0; k < 5; k++) await peer.handle(echo);
    }
    expect(peer.ready).toBe(true);
  });

  test("opens when half of at least twenty calls in a window are faults", async () => {
    const { server, peer } = guarded();
    for (let i = 0; i < 9; i++) {
      await fail(server, peer, failure("INTERNAL"));
      await peer.handle(echo);
    }
    await peer.handle(echo);
    expect(peer.ready).toBe(true);
    await fail(server, peer, failure("INTERNAL"), 1);
    expect(peer.ready).toBe(false);
  });

  test("counts a fault no longer once its window is over", async () => {
    const { server, peer } = guarded({ windowMs: 1_000 });
    for (let i = 0; i < 40; i++) {
      await fail(server, peer, failure("INTERNAL"));
      await peer.handle(echo);
      await clock.advance(200);
    }
    expect(peer.ready).toBe(true);
  });

  test.each([
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "ABORTED",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "RESOURCE_EXHAUSTED",
    "CANCELLED",
  ] as const)("stays closed at any number of %s", async (code) => {
    const { server, peer } = guarded();
    await fail(server, peer, failure(code), 50);
    expect(peer.ready).toBe(true);
  });

  test("stays closed when no server took the call up, or the server asks to come back later", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE", { unprocessed: true }), 50);
    const metadata = Metadata.fromFlat(["grpc-retry-pushback-ms", "10"]);
    await fail(server, peer, failure("UNAVAILABLE", { metadata }), 50);
    expect(peer.ready).toBe(true);
  });

  test("stays closed when callers' deadlines leave the server no time", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("DEADLINE_EXCEEDED"), 50, 5);
    expect(peer.ready).toBe(true);
    await fail(server, peer, failure("DEADLINE_EXCEEDED"), 5, 100);
    expect(peer.ready).toBe(false);
  });

  test("stays closed when deadlines are noticed late, since this process stood still", async () => {
    const { server, peer } = guarded();
    server.answer = () =>
      new Promise((_, reject) => clock.setTimeout(() => reject(failure("DEADLINE_EXCEEDED")), 1_500));
    const call = (deadline: number) => peer.handle(echo.with({ deadline })).catch(() => {});
    const calls = Array.from({ length: 50 }, () => call(clock.now() + 500));
    await clock.advance(1_500);
    await Promise.all(calls);
    expect(peer.ready).toBe(true);
    const missed = Array.from({ length: 5 }, () => call(clock.now() + 1_480));
    await clock.advance(1_500);
    await Promise.all(missed);
    expect(peer.ready).toBe(false);
  });

  test("opens although onChange throws, and the log says so", async () => {
    const logger = createLog();
    const onChange = () => {
      throw new Error("mine");
    };
    const { server, peer } = guarded({ onChange, logger });
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_001);
    await peer.handle(echo);
    await clock.advance(0);
    expect(peer.ready).toBe(true);
    expect(logger.of().filter(({ message }) => message === "onChange of the breaker failed")).toHaveLength(3);
  });

  test("is left out by false, and the peer's address is still told", async () => {
    const server = fakePeer();
    const peer = breaker(server, false);
    await fail(server, peer, failure("UNAVAILABLE"), 50);
    expect(peer.ready).toBe(true);
    server.answer = () => Promise.reject(failure("NOT_FOUND"));
    await expect(peer.handle(echo)).rejects.toMatchObject({ peer: "10.0.0.1:50051" });
  });
});

describe("an open circuit", () => {
  test("lets one probe through when its time is over, and closes when that is answered", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(999);
    expect(peer.ready).toBe(false);
    await clock.advance(1);
    expect(peer.ready).toBe(true);
    const answers: ((reply: Reply) => void)[] = [];
    server.answer = () => new Promise((resolve) => answers.push(resolve));
    const call = peer.handle(echo);
    expect([peer.ready, peer.reason]).toEqual([false, "circuit open"]);
    answers[0]?.(reply);
    expect(await call).toBe(reply);
    await clock.advance(0);
    expect(peer.ready).toBe(true);
    expect(states).toEqual(["open", "half-open", "closed"]);
    expect(changes).toBe(4);
  });

  test("stays open twice as long each time that its probe fails, up to five seconds", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    for (const openMs of [1_000, 2_000, 4_000, 5_000, 5_000]) {
      await clock.advance(openMs - 1);
      expect(peer.ready).toBe(false);
      await clock.advance(1);
      expect(peer.ready).toBe(true);
      await fail(server, peer, failure("UNAVAILABLE"));
    }
  });

  test("stays open for half of its time at the least, by chance", async () => {
    const { server, peer } = guarded({ random: () => 0 });
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(499);
    expect(peer.ready).toBe(false);
    await clock.advance(1);
    expect(peer.ready).toBe(true);
  });

  test("starts short again once the peer was well for longer than it had been out", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    await fail(server, peer, failure("UNAVAILABLE"));
    await clock.advance(2_000);
    await peer.handle(echo);
    await clock.advance(2_000);
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    expect(peer.ready).toBe(true);
  });

  test("grows on when the peer fails again right after its probe", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    await peer.handle(echo);
    await clock.advance(500);
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_999);
    expect(peer.ready).toBe(false);
    await clock.advance(1);
    expect(peer.ready).toBe(true);
  });

  test("takes an error that is the caller's affair for an answer", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    await fail(server, peer, failure("NOT_FOUND"));
    await clock.advance(0);
    expect(states).toEqual(["open", "half-open", "closed"]);
  });

  test("sends another probe soon when the caller of the first one gave up", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    await fail(server, peer, failure("CANCELLED"));
    expect(peer.ready).toBe(false);
    await clock.advance(100);
    expect(peer.ready).toBe(true);
    await peer.handle(echo);
    await clock.advance(0);
    expect(states.at(-1)).toBe("closed");
  });

  test("is not blocked by a probe that never ends", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    server.answer = () => new Promise(() => {});
    void peer.handle(echo);
    await clock.advance(5_000);
    expect(states).toEqual(["open", "half-open", "open"]);
    server.answer = async () => reply;
    await clock.advance(2_000);
    await peer.handle(echo);
    await clock.advance(0);
    expect(peer.ready).toBe(true);
  });

  test("is not closed, nor opened again, by calls from before it opened", async () => {
    const { server, peer } = guarded();
    const ends: { resolve(reply: Reply): void; reject(error: unknown): void }[] = [];
    server.answer = () => new Promise((resolve, reject) => ends.push({ resolve, reject }));
    const old = Array.from({ length: 10 }, () => peer.handle(echo).catch(() => {}));
    server.answer = async () => reply;
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    for (const end of ends.slice(0, 4)) end.resolve(reply);
    await clock.advance(10);
    expect(peer.ready).toBe(false);
    await clock.advance(1_000);
    await peer.handle(echo);
    for (const end of ends) end.reject(failure("UNAVAILABLE"));
    await Promise.all(old);
    expect(peer.ready).toBe(true);
  });

  test("lets calls through that a balancer sends for want of anything better, and is closed by their answer", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await fail(server, peer, failure("UNAVAILABLE"), 20);
    expect(states).toEqual(["open"]);
    expect(await peer.handle(echo)).toBe(reply);
    expect([states, peer.ready]).toEqual([["open", "closed"], true]);
    await clock.advance(60_000);
    expect(states).toEqual(["open", "closed"]);
  });

  test("that such an answer has closed is not opened by the probe that fails later", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    let failProbe = (_: RpcError): void => {};
    server.answer = () =>
      new Promise((_, reject) => {
        failProbe = reject;
      });
    const probe = peer.handle(echo).catch(() => {});
    server.answer = async () => reply;
    await peer.handle(echo);
    expect(peer.ready).toBe(true);
    failProbe(failure("UNAVAILABLE"));
    await probe;
    await clock.advance(0);
    expect([states, peer.ready]).toEqual([["open", "half-open", "closed"], true]);
  });

  test("is not decided by a probe from before it closed and opened again", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await clock.advance(1_000);
    let answerProbe = (_: Reply): void => {};
    server.answer = () =>
      new Promise((resolve) => {
        answerProbe = resolve;
      });
    const probe = peer.handle(echo);
    server.answer = async () => reply;
    await peer.handle(echo);
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    answerProbe(reply);
    await probe;
    await clock.advance(0);
    expect(states).toEqual(["open", "half-open", "closed", "open"]);
  });

  test("says what the connection says when that is down too", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    server.ready = false;
    expect([peer.state, peer.reason]).toEqual(["failed", "connection refused"]);
  });

  test("leaves no timer behind when its peer is closed", async () => {
    const { server, peer } = guarded();
    await fail(server, peer, failure("UNAVAILABLE"), 5);
    await peer.close();
    expect(server.closed).toBe(true);
    await clock.advance(60_000);
    expect(states).toEqual(["open"]);
  });
});

test("a circuit is logged when it opens and when it closes", async () => {
  const lines: string[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    lines.push(`${level} ${(fields as { peer: string }).peer} ${message}`);
  const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
  const { server, peer } = guarded({ logger });
  await fail(server, peer, failure("UNAVAILABLE"), 5);
  await clock.advance(1_000);
  await peer.handle(echo);
  await clock.advance(0);
  expect(lines).toEqual([
    "warn 10.0.0.1:50051 circuit opened: as asked",
    "debug 10.0.0.1:50051 circuit half-open",
    "info 10.0.0.1:50051 circuit closed",
  ]);
});

test("a replaced endpoint reaches the peer within", () => {
  const { server, peer } = guarded();
  peer.endpoint = { address: "10.0.0.1:50051", metadata: { weight: "3" } };
  expect(server.endpoint.metadata).toEqual({ weight: "3" });
});

import { getEventListeners } from "node:events";
import { beforeEach, describe, expect, test } from "vitest";
import { type Balance, type BalanceOptions, balance } from "../../src/balance/balance.ts";
import { subset } from "../../src/balance/subset.ts";
import type { Call } from "../../src/core/call.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import { Code } from "../../src/core/code.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import type { PeerState } from "../../src/core/transport.ts";
import { memoryRegistry } from "../../src/registry/memory.ts";
import { staticRegistry } from "../../src/registry/static.ts";
import { settled, type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";
import {
  type FakePeer,
  type FakeRegistry,
  fakePeer,
  fakeRegistry,
  keptLog,
  makeCall,
  reply,
  seeded,
  service,
} from "./fakes.ts";

const A = "10.0.0.1:50051";
const B = "10.0.0.2:50051";
const C = "10.0.0.3:50051";
const D = "10.0.0.4:50051";
const E = "10.0.0.5:50051";

let clock: VirtualClock;
let registry: FakeRegistry;
let log: ReturnType<typeof keptLog>;
/** Every peer that was made, by address; the latest where there were several. */
let peers: Map<string, FakePeer>;
let made: string[];
/** The state that new peers are in. */
let initial: PeerState;

beforeEach(() => {
  clock = virtualClock();
  registry = fakeRegistry();
  log = keptLog();
  peers = new Map();
  made = [];
  initial = "ready";
});

function start(options: Partial<BalanceOptions> = {}): Balance {
  return balance({
    resolver: registry,
    connect(endpoint, changed) {
      if (endpoint.address === "broken") throw new TypeError('"broken" is no address');
      const peer = fakePeer(endpoint, changed, initial);
      peers.set(endpoint.address, peer);
      made.push(endpoint.address);
      return peer;
    },
    clock,
    logger: log,
    random: seeded(),
    ...options,
  });
}

function peer(address: string): FakePeer {
  const found = peers.get(address);
  if (found === undefined) throw new Error(`no peer was made for ${address}`);
  return found;
}

/** The addresses that this many calls go to. */
async function callees(layer: Balance, calls = 20, call: Call = makeCall()): Promise<string[]> {
  const before = new Map([...peers].map(([address, { calls }]) => [address, calls]));
  for (let i = 0; i < calls; i++) await layer.handle(call);
  return [...peers].filter(([address, { calls }]) => calls > (before.get(address) ?? 0)).map(([address]) => address);
}

async function refusal(layer: Balance, call: Call = makeCall()): Promise<RpcError> {
  const outcome = await layer.handle(call).then(
    () => new Error("it was answered"),
    (error) => error,
  );
  if (!RpcError.is(outcome)) throw outcome;
  return outcome;
}

/** Notes how a call ends, without waiting for it. */
function watch(layer: Balance, call: Call = makeCall()): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: "waiting" };
  layer.handle(call).then(
    () => {
      watched.outcome = "answered";
    },
    (error) => {
      watched.outcome = error;
    },
  );
  return watched;
}

describe("a service's peers", () => {
  test("are looked up at the first call, and all of them at once", async () => {
    registry.say([A, B, C]);
    const layer = start();
    expect(registry.listeners).toBe(0);
    await layer.handle(makeCall());
    expect(registry.listeners).toBe(1);
    expect(made).toEqual([A, B, C]);
    expect(await callees(layer)).toEqual([A, B, C]);
    expect(registry.listeners).toBe(1);
  });

  test("are kept across snapshots, and new ones get traffic", async () => {
    registry.say([A, B]);
    const layer = start();
    await layer.handle(makeCall());
    registry.say([B, C, A]);
    expect(await callees(layer)).toEqual([A, B, C]);
    expect(made).toEqual([A, B, C]);
  });

  test("are told what the registry says of them now", async () => {
    registry.say([{ address: A, metadata: { weight: "1" } }]);
    const layer = start();
    await layer.handle(makeCall());
    registry.say([{ address: A, metadata: { weight: "5" } }]);
    expect(peer(A).endpoint.metadata).toEqual({ weight: "5" });
    expect(made).toEqual([A]);
  });

  test("that have failed are tried again at once when they are announced again", async () => {
    registry.say([A, B]);
    const layer = start();
    await layer.handle(makeCall());
    peer(A).become("failed", "connection refused");
    registry.say([A, B]);
    expect([peer(A).probes, peer(B).probes]).toEqual([1, 0]);
  });

  test("are one each, however often a list names an address", async () => {
    registry.say([A, A, B]);
    const layer = start();
    expect(await callees(layer)).toEqual([A, B]);
    expect(made).toEqual([A, B]);
  });

  test("leave out an endpoint that cannot be used, and say so", async () => {
    registry.say(["broken", A]);
    const layer = start();
    expect(await callees(layer)).toEqual([A]);
    expect(log.lines).toContain("error: an endpoint cannot be used");
  });

  test("at unix: addresses of a registry are left out, with one warning, unless they are asked for", async () => {
    registry.say(["unix:/run/a.sock", "unix-abstract:b", A]);
    const careful = start();
    expect(await callees(careful)).toEqual([A]);
    registry.say(["unix:/run/c.sock", A]);
    const warning =
      "warn: an endpoint is left out: unix: addresses of a registry are connected to only with unixAddresses: true";
    expect(log.lines.filter((line) => line.startsWith("warn"))).toEqual([warning]);
    await start({ unixAddresses: true }).handle(makeCall());
    expect(made).toContain("unix:/run/c.sock");
  });

  test("at unix: addresses are connected to where this process listed them itself", async () => {
    const ours = memoryRegistry();
    ours.register({ services: [service], endpoint: { address: "unix:/run/a.sock" } });
    const given = staticRegistry(["unix:/run/b.sock"]);
    const part = subset(staticRegistry(["unix:/run/c.sock"]), { size: 1, client: "x" });
    for (const resolver of [ours, given, part]) await start({ resolver }).handle(makeCall());
    expect(made).toEqual(["unix:/run/a.sock", "unix:/run/b.sock", "unix:/run/c.sock"]);
    const careful = start({ resolver: given, unixAddresses: false, resolveTimeoutMs: 0 });
    expect((await refusal(careful)).message).toContain("unixAddresses");
  });

  test("are watched for each service by itself", async () => {
    const both = memoryRegistry();
    both.register({ services: [service], endpoint: { address: A } });
    const layer = start({ resolver: both });
    await layer.handle(makeCall());
    expect(layer.peers(service).map(({ endpoint }) => endpoint.address)).toEqual([A]);
    expect(layer.peers("other.v1.Other")).toEqual([]);
    both.register({ services: [service], endpoint: { address: B } });
    expect(await callees(layer)).toEqual([A, B]);
  });
});

describe("a pick", () => {
  test("walks around peers that are not ready", async () => {
    registry.say([A, B, C]);
    const layer = start();
    await layer.handle(makeCall());
    peer(A).become("ejected", "circuit open");
    expect(await callees(layer)).toEqual([B, C]);
    peer(B).become("failed", "connection refused");
    expect(await callees(layer)).toEqual([C]);
    peer(A).become("ready");
    expect(await callees(layer)).toEqual([A, C]);
  });

  test("hands on the very promise of the peer", async () => {
    registry.say([A]);
    const layer = start();
    await layer.handle(makeCall());
    const promise = Promise.resolve(reply);
    peer(A).handle = () => promise;
    expect(layer.handle(makeCall())).toBe(promise);
  });

  test("avoids the peer of the attempt before, where there is another", async () => {
    registry.say([A, B, C]);
    const layer = start();
    expect(await callees(layer, 50, makeCall({ avoid: B }))).toEqual([A, C]);
    peer(A).become("failed");
    peer(C).become("failed");
    expect(await callees(layer, 5, makeCall({ avoid: B }))).toEqual([B]);
  });

  test("uses all connected peers when most of their circuits are open, but not those that are not connected", async () => {
    registry.say([A, B, C, D]);
    const layer = start();
    await layer.handle(makeCall());
    peer(A).become("ejected");
    peer(D).become("failed");
    expect(await callees(layer)).toEqual([B, C]);
    peer(B).become("ejected");
    expect(await callees(layer)).toEqual([A, B, C]);
    peer(A).become("ready");
    expect(await callees(layer)).toEqual([A, C]);
    expect(log.lines.filter((line) => line.startsWith("warn"))).toEqual([
      "warn: most circuits are open: all connected peers are called",
      "warn: most circuits are closed again",
    ]);
  });

  test("gives a peer on trial its one call, and calls no ejected one for its sake", async () => {
    registry.say([A, B, C]);
    const layer = start();
    await layer.handle(makeCall());
    for (const each of peers.values()) each.become("ejected");
    peer(A).onTrial = true;
    peer(A).become("ready");
    expect(await callees(layer)).toEqual([A]);
    // Beside one that is well, and too few, it does not hide that most are not.
    peer(B).become("ready");
    registry.say([A, B, C, D]);
    await layer.handle(makeCall());
    peer(D).become("ejected");
    expect(await callees(layer)).toEqual([A, B, C, D]);
  });

  test("passes over silent peers, and uses them where no other is ready", async () => {
    registry.say([A, B, C]);
    const layer = start();
    await layer.handle(makeCall());
    peer(A).become("silent");
    peer(B).become("silent");
    expect(await callees(layer)).toEqual([C]);
    peer(C).become("ejected");
    expect(await callees(layer)).toEqual([A, B]);
    peer(A).become("ready");
    expect(await callees(layer)).toEqual([A]);
  });

  test("by a balancer that throws fails the call and no more", async () => {
    registry.say([A]);
    const layer = start({
      balancer: () => () => {
        throw new Error("a bug");
      },
    });
    expect(await refusal(layer)).toMatchObject({ code: Code.INTERNAL, message: "a bug" });
  });

  test("that comes out empty says so", async () => {
    registry.say([A, B]);
    const layer = start({ balancer: () => () => undefined });
    expect((await refusal(layer)).message).toBe(
      `no endpoint of ${service} is ready (2 known, 2 ready, but the balancer picked none)`,
    );
  });

  test("is made over one snapshot: the balancer is asked again only when something has changed", async () => {
    let asked = 0;
    registry.say([A, B]);
    const layer = start({
      balancer: (candidates) => {
        asked++;
        return () => candidates[0];
      },
    });
    await callees(layer, 10);
    expect(asked).toBe(1);
    peer(A).become("failed");
    peer(A).become("ready");
    peer(B).become("failed");
    await callees(layer, 10);
    expect(asked).toBe(2);
  });
});

describe("where no peer is ready", () => {
  test("a call fails at once when every circuit is open", async () => {
    registry.say([A, B, C]);
    const layer = start();
    await layer.handle(makeCall());
    for (const each of peers.values()) each.become("ejected", "circuit open");
    expect(await refusal(layer)).toMatchObject({
      code: Code.UNAVAILABLE,
      unprocessed: true,
      message: `no endpoint of ${service} is ready (3 known, 3 with an open circuit)`,
    });
    // And has them let another through sooner.
    expect([...peers.values()].some(({ hurries }) => hurries === 1)).toBe(true);
    for (const { hurries, probes } of peers.values()) expect([hurries <= 1, probes]).toEqual([true, 0]);
  });

  test("a call fails at once when every peer has failed, and says why", async () => {
    initial = "failed";
    registry.say([A, B, C]);
    const layer = start({
      connect: (endpoint, changed) => {
        const made = fakePeer(endpoint, changed, endpoint.address === C ? "ejected" : "failed");
        made.reason = "connection refused";
        return made;
      },
    });
    expect((await refusal(layer)).message).toBe(
      `no endpoint of ${service} is ready (3 known, 1 with an open circuit, 2 not connected: connection refused)`,
    );
  });

  test("those that have failed are tried again at once, since a call wants them", async () => {
    initial = "failed";
    registry.say([A]);
    const layer = start();
    await refusal(layer);
    expect(peer(A).probes).toBe(1);
  });

  test("a call waits for a peer that is still connecting", async () => {
    initial = "connecting";
    registry.say([A, B]);
    const layer = start();
    const call = watch(layer);
    await settled();
    peer(A).become("failed", "connection refused");
    await settled();
    expect(call.outcome).toBe("waiting");
    peer(B).become("ready");
    await settled();
    expect(call.outcome).toBe("answered");
    expect(peer(B).calls).toBe(1);
  });

  test("a call fails as soon as the last peer that was connecting has failed", async () => {
    initial = "connecting";
    registry.say([A]);
    const layer = start();
    const call = watch(layer);
    await settled();
    peer(A).become("failed", "connection refused");
    await settled();
    expect(call.outcome).toMatchObject({
      message: `no endpoint of ${service} is ready (1 known, 1 not connected: connection refused)`,
    });
  });

  test("a call does not wait for a connecting peer for longer than resolveTimeoutMs", async () => {
    initial = "connecting";
    registry.say([A]);
    const layer = start({ resolveTimeoutMs: 2_000 });
    const call = watch(layer);
    await clock.advance(1_999);
    expect(call.outcome).toBe("waiting");
    await clock.advance(1);
    expect(call.outcome).toMatchObject({
      code: Code.UNAVAILABLE,
      message: `no endpoint of ${service} is ready (1 known, 1 still connecting)`,
    });
  });
});

describe("where no peer is known", () => {
  test("a call waits for the first snapshot", async () => {
    const layer = start();
    const call = watch(layer);
    await settled();
    expect(call.outcome).toBe("waiting");
    registry.say([A]);
    await settled();
    expect(call.outcome).toBe("answered");
  });

  test("a call waits a while for a first server, and later calls fail at once", async () => {
    registry.say([]);
    const layer = start({ resolveTimeoutMs: 2_000 });
    const first = watch(layer);
    await clock.advance(1_500);
    const second = watch(layer);
    await clock.advance(500);
    const expected = {
      code: Code.UNAVAILABLE,
      unprocessed: true,
      message: `no endpoint of ${service} is registered (the registry says so)`,
    };
    expect(first.outcome).toMatchObject(expected);
    expect(second.outcome).toMatchObject(expected);
    expect(await refusal(layer)).toMatchObject(expected);
    registry.say([A]);
    expect(await callees(layer)).toEqual([A]);
  });

  test("the error says why those that are listed cannot be used", async () => {
    registry.say(["unix:/run/a.sock", "unix:/run/b.sock"]);
    const call = watch(start({ resolveTimeoutMs: 2_000 }));
    await clock.advance(2_000);
    expect(call.outcome).toMatchObject({
      code: Code.UNAVAILABLE,
      message: `no endpoint of ${service} can be used (2 listed: unix: addresses of a registry are connected to only with unixAddresses: true)`,
    });
  });

  test("the error says that the registry cannot be reached", async () => {
    registry.say([], "unknown", "connection refused");
    const layer = start();
    const call = watch(layer);
    await clock.advance(3_000);
    expect(call.outcome).toMatchObject({
      code: Code.UNAVAILABLE,
      message: `no endpoint of ${service} is known (the registry cannot be reached: connection refused)`,
    });
  });

  test("the error says that the registry has not answered", async () => {
    const layer = start();
    const call = watch(layer);
    await clock.advance(3_000);
    expect(call.outcome).toMatchObject({
      message: `no endpoint of ${service} is known (the registry has not answered yet)`,
    });
  });

  test("a registry that refuses to be asked fails the call, not the process", async () => {
    const closed = memoryRegistry();
    await closed.close();
    const layer = start({ resolver: closed });
    expect((await refusal(layer)).message).toContain("closed");
  });
});

describe("a wait", () => {
  test("ends with the call's deadline", async () => {
    const layer = start();
    const call = watch(layer, makeCall({ deadline: 100 }));
    await clock.advance(99);
    expect(call.outcome).toBe("waiting");
    await clock.advance(1);
    expect(call.outcome).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      message: expect.stringContaining("the registry has not answered yet"),
    });
  });

  test("ends with the call's cancellation, by a signal or by a cancellation", async () => {
    const layer = start();
    const controller = new AbortController();
    const cancellation = new Cancellation();
    const one = watch(layer, makeCall({ cancellation: controller.signal }));
    const other = watch(layer, makeCall({ cancellation }));
    await settled();
    controller.abort();
    cancellation.cancel(new RpcError(Code.CANCELLED, "the caller went away"));
    await settled();
    expect(one.outcome).toMatchObject({ code: Code.CANCELLED });
    expect(other.outcome).toMatchObject({ code: Code.CANCELLED, message: "the caller went away" });
    expect(await refusal(layer, makeCall({ cancellation: AbortSignal.abort() }))).toMatchObject({
      code: Code.CANCELLED,
    });
  });

  test("leaves no listener and no timer behind", async () => {
    let timers = 0;
    const counting = {
      now: clock.now,
      setTimeout(run: () => void, delayMs: number) {
        timers++;
        const stop = clock.setTimeout(run, delayMs);
        return () => {
          timers--;
          stop();
        };
      },
    };
    const layer = start({ clock: counting });
    const { signal } = new AbortController();
    const call = watch(layer, makeCall({ cancellation: signal }));
    await settled();
    expect([timers, getEventListeners(signal, "abort").length]).toEqual([1, 1]);
    registry.say([A]);
    await settled();
    expect(call.outcome).toBe("answered");
    expect([timers, getEventListeners(signal, "abort").length]).toEqual([0, 0]);
  });
});

describe("servers that serve different methods", () => {
  const old = (address: string) => ({ address, metadata: { methods: `${service}/Other other.v1.Other/Echo` } });
  const young = (address: string) => ({ address, metadata: { methods: `other.v1.Other/X ${service}/Other,Echo` } });

  test("are called for what they have only", async () => {
    registry.say([old(A), young(B), C]);
    const layer = start();
    expect(await callees(layer)).toEqual([B, C]);
    registry.say([young(A), young(B), C]);
    expect(await callees(layer)).toEqual([A, B, C]);
  });

  test("a call waits for one that has its method rather than go to one that has not", async () => {
    registry.say([old(A)]);
    const layer = start();
    await layer.handle(makeCall());
    initial = "connecting";
    registry.say([old(A), young(B)]);
    const call = watch(layer);
    await settled();
    expect(call.outcome).toBe("waiting");
    peer(B).become("failed", "connection refused");
    await settled();
    expect(call.outcome).toMatchObject({
      message: `no endpoint of ${service} that serves Echo is ready (2 known, 1 of them with the method, 1 not connected: connection refused)`,
    });
  });

  test("where nobody says that it has the method, the servers are asked themselves", async () => {
    registry.say([old(A), old(B)]);
    const layer = start();
    expect(await callees(layer)).toEqual([A, B]);
  });
});

describe("a server that is no longer listed", () => {
  test("loses its traffic at once, and its calls in flight are let finish", async () => {
    registry.say([A, B, C]);
    const layer = start();
    await layer.handle(makeCall());
    registry.say([A, C]);
    expect(peer(B).closed).toBe(true);
    expect(await callees(layer)).toEqual([A, C]);
  });

  test("loses its traffic at once as one of two", async () => {
    registry.say([A, B]);
    const layer = start();
    await layer.handle(makeCall());
    registry.say([B]);
    expect(peer(A).closed).toBe(true);
    expect(await callees(layer)).toEqual([B]);
  });

  test("stays while it is the last that works", async () => {
    registry.say([A]);
    const layer = start({ resolveTimeoutMs: 2_000 });
    await layer.handle(makeCall());
    registry.say([]);
    await clock.advance(3_600_000);
    expect(await callees(layer)).toEqual([A]);
    peer(A).become("connecting", "connection reset");
    peer(A).become("failed", "connection refused");
    expect(peer(A).closed).toBe(true);
    const call = watch(layer);
    await clock.advance(2_000);
    expect(call.outcome).toMatchObject({
      message: `no endpoint of ${service} is registered (the registry says so)`,
    });
  });

  test("stays until one that took its place is ready", async () => {
    registry.say([A]);
    const layer = start();
    await layer.handle(makeCall());
    initial = "connecting";
    registry.say([B]);
    expect(await callees(layer)).toEqual([A]);
    peer(B).become("ready");
    expect(peer(A).closed).toBe(true);
    expect(await callees(layer)).toEqual([B]);
  });

  test("is not dropped by a registry that is not sure", async () => {
    registry.say([A, B]);
    const layer = start();
    await layer.handle(makeCall());
    registry.say([B], "stale", "connection refused");
    registry.say([], "unknown", "connection refused");
    peer(A).become("failed");
    expect(peer(A).closed).toBe(false);
    peer(A).become("ready");
    expect(await callees(layer)).toEqual([A, B]);
    registry.say([B, C], "stale");
    expect(await callees(layer)).toEqual([A, B, C]);
  });
});

describe("a sudden large loss", () => {
  const warning = "warn: the registry lost most endpoints at once: they are called on while they work";

  beforeEach(() => registry.say([A, B, C, D, E]));

  test("is not believed: those that are missing are probed and called on", async () => {
    const layer = start();
    await layer.handle(makeCall());
    registry.say([A, B]);
    expect([A, B, C, D, E].map((address) => peer(address).probes)).toEqual([0, 0, 1, 1, 1]);
    expect(await callees(layer)).toEqual([A, B, C, D, E]);
    expect(log.lines).toContain(warning);
  });

  test("drops those whose connection fails", async () => {
    const layer = start();
    await layer.handle(makeCall());
    registry.say([A]);
    peer(C).become("connecting", "connection reset");
    expect(peer(C).closed).toBe(false);
    peer(C).become("failed", "connection refused");
    expect(peer(C).closed).toBe(true);
    expect(await callees(layer)).toEqual([A, B, D, E]);
  });

  test("is believed when the registry says the same long enough", async () => {
    const layer = start({ doubtMs: 30_000 });
    await layer.handle(makeCall());
    registry.say([A]);
    await clock.advance(29_999);
    expect(await callees(layer)).toEqual([A, B, C, D, E]);
    await clock.advance(1);
    expect(await callees(layer)).toEqual([A]);
    expect(layer.peers(service)).toHaveLength(1);
  });

  test("is not confirmed by a registry that went away", async () => {
    const layer = start({ doubtMs: 30_000 });
    await layer.handle(makeCall());
    registry.say([A]);
    registry.say([A], "stale", "connection refused");
    await clock.advance(60_000);
    expect(await callees(layer)).toEqual([A, B, C, D, E]);
    registry.say([A]);
    expect(await callees(layer)).toEqual([A]);
  });

  test("is forgotten when they are listed again", async () => {
    const layer = start({ doubtMs: 30_000 });
    await layer.handle(makeCall());
    registry.say([]);
    registry.say([A, B, C, D, E]);
    await clock.advance(60_000);
    expect(await callees(layer)).toEqual([A, B, C, D, E]);
    expect(made).toEqual([A, B, C, D, E]);
  });

  test("is seen too when a watch reports it one by one", async () => {
    const layer = start();
    await layer.handle(makeCall());
    registry.say([B, C, D, E]);
    registry.say([C, D, E]);
    registry.say([D, E]);
    registry.say([E]);
    registry.say([]);
    expect(await callees(layer)).toEqual([C, D, E]);
  });

  test("is none when servers leave one by one in their own time", async () => {
    const layer = start();
    await layer.handle(makeCall());
    for (const rest of [[B, C, D, E], [C, D, E], [D, E], [E]]) {
      await clock.advance(10_000);
      registry.say(rest);
    }
    expect(await callees(layer)).toEqual([E]);
  });
});

describe("slow start", () => {
  test("gives a new peer its share little by little", async () => {
    registry.say([A, B]);
    const layer = start({ slowStartMs: 10_000 });
    await callees(layer, 2);
    await clock.advance(60_000);
    registry.say([A, B, C]);
    const shares: number[] = [];
    for (let second = 0; second <= 10; second += 5) {
      const before = peer(C).calls;
      await callees(layer, 3_000);
      shares.push((peer(C).calls - before) / 1_000);
      await clock.advance(5_000);
    }
    expect(shares[0]).toBeLessThan(0.3);
    expect(shares[1]).toBeGreaterThan(0.4);
    expect(shares[1]).toBeLessThan(0.8);
    expect(shares[2]).toBeCloseTo(1, 1);
  });

  test("begins anew with a peer that went and came back while nobody called", async () => {
    registry.say([A, B]);
    const layer = start({ slowStartMs: 10_000 });
    await callees(layer, 2);
    await clock.advance(60_000);
    await callees(layer, 2);
    peer(B).become("failed");
    await clock.advance(1_000);
    peer(B).become("ready");
    const before = peer(B).calls;
    await callees(layer, 1_000);
    expect(peer(B).calls - before).toBeLessThan(200);
  });

  test("holds nobody back while all are new", async () => {
    registry.say([A, B]);
    const layer = start({ slowStartMs: 10_000 });
    await callees(layer, 1_000);
    expect(peer(A).calls).toBe(500);
  });
});

describe("close", () => {
  test("ends the watch and every wait, and resolves when the peers are closed", async () => {
    const layer = start();
    const call = watch(layer);
    await settled();
    await layer.close();
    expect(call.outcome).toMatchObject({ code: Code.CANCELLED, message: "the channel was closed" });
    expect(registry.listeners).toBe(0);
    expect(await refusal(layer)).toMatchObject({ code: Code.CANCELLED });
  });

  test("waits for peers that left before and still have calls in flight", async () => {
    registry.say([A, B, C]);
    const layer = start();
    await layer.handle(makeCall());
    const { promise, resolve } = Promise.withResolvers<void>();
    peer(A).close = () => promise;
    registry.say([B, C]);
    let closed = false;
    const closing = layer.close().then(() => {
      closed = true;
    });
    await settled();
    expect(closed).toBe(false);
    expect([peer(B).closed, peer(C).closed]).toEqual([true, true]);
    resolve();
    await closing;
    expect(await layer.close()).toBeUndefined();
  });
});

import { type ChannelState, Code, createChannel, createClient, memoryRegistry } from "trunkline";
import { describe, expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import type { Resolver, Snapshot } from "../../../src/registry/registry.ts";
import { collected, failure, type World } from "./world.ts";

const { CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE } = Code;
const waiting = { waitForReady: true, timeoutMs: 10_000 } as const;
const { name } = Probe;

/** A call that waits for a server, and what a channel says of where it stands. */
export function waits(world: () => World): void {
  describe("a call that is to wait for ready", () => {
    test("is made once its server is started, in all four shapes", async () => {
      const one = world();
      const { address, start } = await one.later();
      const probe = one.probe([address]);
      const sent = [
        probe.echo({ text: "a" }, waiting),
        collected(probe.expand({ count: 1 }, waiting)),
        probe.collect([{}, {}], waiting),
        collected(probe.converse([{ text: "d" }], waiting)),
      ];
      expect(await failure(probe.echo({}))).toMatchObject({ code: UNAVAILABLE });
      await start();
      expect(await Promise.all(sent)).toMatchObject([{ text: "a" }, [{ text: "0" }], { count: 2 }, [{ text: "d" }]]);
    });

    test("waits for a server that goes and comes back", async () => {
      const one = world();
      const { address, start, stop } = await one.later();
      const probe = one.probe([address]);
      await start();
      await probe.echo({});
      await stop();
      const sent = probe.echo({ text: "again" }, waiting);
      expect(await failure(probe.echo({}, { timeoutMs: 500 }))).toMatchObject({ code: UNAVAILABLE });
      await start();
      expect(await sent).toMatchObject({ text: "again" });
    });

    test("fails at its deadline, and says what it waited for", async () => {
      const one = world();
      const { address } = await one.later();
      const error = await failure(one.probe([address]).echo({}, { waitForReady: true, timeoutMs: 300 }));
      expect(error).toMatchObject({ code: DEADLINE_EXCEEDED, peer: undefined });
      expect(error.message).toMatch(
        /^the deadline of \/probe\.v1\.Probe\/Echo passed while it waited for a server: no endpoint of probe\.v1\.Probe is ready \(1 known, 1 (not connected: connection refused|still connecting)/,
      );
    });

    test("stops waiting when it is cancelled, and when the channel is closed", async () => {
      const one = world();
      const { address } = await one.later();
      const channel = one.channel([address]);
      const probe = createClient(Probe, channel);
      const end = new AbortController();
      const cancelled = failure(probe.echo({}, { waitForReady: true, timeoutMs: 0, signal: end.signal }));
      const closed = failure(probe.echo({}, { waitForReady: true, timeoutMs: 0 }));
      end.abort();
      expect(await cancelled).toMatchObject({ code: CANCELLED });
      await channel.close();
      expect(await closed).toMatchObject({ code: CANCELLED, message: "the channel was closed" });
      expect(await failure(probe.echo({}, waiting))).toMatchObject({ code: CANCELLED });
    });

    test("waits for the first endpoint of its service to be registered", async () => {
      const one = world();
      const registry = memoryRegistry();
      const channel = createChannel({ transport: one.transport, registry, resolveTimeoutMs: 10 });
      one.after(() => channel.close(0));
      const probe = createClient(Probe, channel);
      const error = await failure(probe.echo({}, { waitForReady: true, timeoutMs: 100 }));
      expect(error.message).toMatch(/waited for a server: no endpoint of probe\.v1\.Probe is registered/);
      const sent = probe.echo({ text: "found" }, waiting);
      expect(await failure(probe.echo({}))).toMatchObject({ code: UNAVAILABLE });
      await one.serve({}, { registry });
      expect(await sent).toMatchObject({ text: "found" });
    });

    test("waits for a registry that cannot be reached", async () => {
      const one = world();
      const address = await one.serve();
      let tell = (_: Snapshot): void => {};
      const registry: Resolver = {
        resolve(_service, listener) {
          tell = listener;
          listener({ endpoints: [], state: "unknown", reason: "it is away" });
          return () => {};
        },
      };
      const channel = createChannel({ transport: one.transport, registry, resolveTimeoutMs: 10 });
      one.after(() => channel.close(0));
      const probe = createClient(Probe, channel);
      const error = await failure(probe.echo({}, { waitForReady: true, timeoutMs: 100 }));
      expect(error).toMatchObject({ code: DEADLINE_EXCEEDED });
      expect(error.message).toMatch(/the registry cannot be reached: it is away/);
      const sent = probe.echo({ text: "found" }, waiting);
      expect(await failure(probe.echo({}))).toMatchObject({ code: UNAVAILABLE });
      tell({ endpoints: [{ address }], state: "current" });
      expect(await sent).toMatchObject({ text: "found" });
    });

    test("waits while every circuit is open", async () => {
      const one = world();
      let sick = true;
      const address = await one.serve({
        echo(request) {
          if (sick) throw Object.assign(new Error("sick"), { code: UNAVAILABLE });
          return request;
        },
      });
      const breaker = {
        consecutiveFaults: 1,
        openMs: 300,
        maxOpenMs: 300,
        faults: ["UNKNOWN", "UNAVAILABLE"],
      } as const;
      const channel = one.channel([address], { breaker });
      const probe = createClient(Probe, channel);
      await failure(probe.echo({}));
      expect(channel.state(Probe)).toBe("TRANSIENT_FAILURE");
      expect((await failure(probe.echo({}))).message).toMatch(/open circuit/);
      sick = false;
      expect(await probe.echo({ text: "well" }, waiting)).toMatchObject({ text: "well" });
    });

    test("may be a channel's default, which a call may refuse", async () => {
      const one = world();
      const { address, start } = await one.later();
      const policy = { methods: { [name]: { waitForReady: true } } };
      const probe = one.probe([address], { policy });
      const sent = probe.echo({ text: "a" });
      expect(await failure(probe.echo({}, { waitForReady: false }))).toMatchObject({ code: UNAVAILABLE });
      await start();
      expect(await sent).toMatchObject({ text: "a" });
    });
  });

  describe("the state of a channel", () => {
    test("is told as it changes, and to look at it begins nothing", async () => {
      const one = world();
      const { address, start, stop } = await one.later();
      const channel = one.channel([address]);
      const told: ChannelState[] = [];
      const stopWatching = channel.watchState(Probe, (state) => void told.push(state));
      await new Promise(setImmediate);
      expect(channel.state(Probe)).toBe("IDLE");
      await failure(createClient(Probe, channel).echo({}));
      expect(channel.state(Probe)).toBe("TRANSIENT_FAILURE");
      await start();
      await channel.ready(Probe);
      expect(channel.state(Probe)).toBe("READY");
      expect(told).toEqual(["IDLE", "CONNECTING", "TRANSIENT_FAILURE", "READY"]);
      await stop();
      await expect.poll(() => channel.state(Probe)).not.toBe("READY");
      stopWatching();
      const before = told.length;
      await start();
      await channel.ready(Probe);
      expect(told.length).toBe(before);
      await channel.close();
      expect(channel.state(Probe)).toBe("SHUTDOWN");
    });

    test("can be waited for before the first call", async () => {
      const one = world();
      const channel = one.channel([await one.serve()]);
      await channel.ready(Probe);
      expect(channel.state(Probe)).toBe("READY");
      expect(channel.state({ name: "other.v1.Other" })).toBe("IDLE");
    });

    test("is waited for as long as is asked, and the error says what is missing", async () => {
      const one = world();
      const { address } = await one.later();
      const channel = one.channel([address]);
      const error = await failure(channel.ready(Probe, { timeoutMs: 100 }));
      expect(error).toMatchObject({ code: DEADLINE_EXCEEDED, local: true });
      expect(error.message).toMatch(
        /^probe\.v1\.Probe was not ready within 100 ms: no endpoint of probe\.v1\.Probe is ready \(1 known, 1 /,
      );
      const signal = AbortSignal.timeout(20);
      expect(await failure(channel.ready(Probe, { timeoutMs: 0, signal }))).toMatchObject({ code: DEADLINE_EXCEEDED });
      const end = new AbortController();
      const waited = failure(channel.ready(Probe, { signal: end.signal }));
      end.abort();
      expect(await waited).toMatchObject({ code: CANCELLED });
      expect(await failure(channel.ready(Probe, { timeoutMs: Number.NaN }))).toBeInstanceOf(TypeError);
      const left = failure(channel.ready(Probe));
      await channel.close();
      expect(await left).toMatchObject({ code: CANCELLED, message: "the channel was closed" });
      expect(await failure(channel.ready(Probe))).toMatchObject({ code: CANCELLED });
    });

    test("a listener that another one takes away, as both are told, is not told", async () => {
      const one = world();
      const channel = one.channel([await one.serve()]);
      const told: ChannelState[] = [];
      let stop = (): void => {};
      channel.watchState(Probe, (state) => state !== "IDLE" && stop());
      stop = channel.watchState(Probe, (state) => void told.push(state));
      await channel.ready(Probe);
      expect(told).toEqual(["IDLE"]);
    });

    test("a listener that throws harms nobody", async () => {
      const one = world();
      const channel = one.channel([await one.serve()]);
      channel.watchState(Probe, () => {
        throw new Error("no good");
      });
      expect(await createClient(Probe, channel).echo({ text: "a" })).toMatchObject({ text: "a" });
    });
  });

  describe("a service without calls", () => {
    test("is let go after idleTimeoutMs, and comes back with the next call", async () => {
      const one = world();
      let watches = 0;
      const address = await one.serve();
      const registry: Resolver = {
        local: true,
        resolve(_service, listener) {
          watches++;
          listener({ endpoints: [{ address }], state: "current" });
          return () => void watches--;
        },
      };
      const channel = createChannel({ transport: one.transport, registry, idleTimeoutMs: 100 });
      one.after(() => channel.close(0));
      const probe = createClient(Probe, channel);
      for (let round = 0; round < 2; round++) {
        expect(await probe.echo({ text: "a" })).toMatchObject({ text: "a" });
        expect([channel.state(Probe), watches]).toEqual(["READY", 1]);
        await state(channel, "IDLE");
        expect([channel.state(Probe), watches]).toEqual(["IDLE", 0]);
      }
    });

    test("is kept while a stream is open, though nothing comes", async () => {
      const one = world();
      const held = Promise.withResolvers<void>();
      const address = await one.serve({
        async *expand() {
          yield {};
          await held.promise;
          yield {};
        },
      });
      const channel = one.channel([address], { idleTimeoutMs: 50 });
      const told: ChannelState[] = [];
      channel.watchState(Probe, (state) => void told.push(state));
      const stream = createClient(Probe, channel).expand({});
      await stream.next();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(told.at(-1)).toBe("READY");
      held.resolve();
      expect(await collected(stream)).toHaveLength(1);
      await state(channel, "IDLE");
    });
  });
}

function state(channel: ReturnType<World["channel"]>, wanted: ChannelState): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = channel.watchState(Probe, (state) => state === wanted && resolve());
  return promise.finally(() => stop());
}

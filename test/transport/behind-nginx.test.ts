import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { createChannel } from "../../src/client/channel.ts";
import { createClient } from "../../src/client/client.ts";
import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { payload, probe } from "../contract/transport/world.ts";
import { hasNginx, type Nginx, startNginx } from "../support/nginx.ts";

// As Debian ships it, nginx ends a connection politely after 1,000 calls, and takes no more on it.
const CALLS = 5_000;
const IN_FLIGHT = 10;

describe.skipIf(!hasNginx)("behind nginx", () => {
  const servers: { close(): Promise<void> }[] = [];
  const proxies: Nginx[] = [];
  let upstream = "";

  beforeAll(async () => {
    const listener = await http2().listen("127.0.0.1:0", probe(), {});
    servers.push(listener);
    upstream = listener.address;
  });

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all(servers.map((server) => server.close()));
  });

  async function nginx(keepaliveRequests?: number): Promise<string> {
    const proxy = await startNginx(upstream, keepaliveRequests === undefined ? {} : { keepaliveRequests });
    proxies.push(proxy);
    return proxy.address;
  }

  /** Makes all the calls, so many at a time; rejects with the first that fails. */
  async function load(address: string, transport = http2()): Promise<{ perSecond: number; worstMs: number }> {
    await using channel = createChannel({ endpoints: [address], transport });
    const client = createClient(Probe, channel);
    await client.echo(payload());
    const started = performance.now();
    let left = CALLS;
    let worstMs = 0;
    const one = async (): Promise<void> => {
      while (left-- > 0) {
        const began = performance.now();
        await client.echo(payload("hello"), { timeoutMs: 10_000 });
        worstMs = Math.max(worstMs, performance.now() - began);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, one));
    return { perSecond: (CALLS / (performance.now() - started)) * 1000, worstMs };
  }

  test.each([
    ["http2", http2],
    ["grpc-js", grpcJs],
  ])(
    "no call over %s fails while nginx replaces connections as it does by default",
    async (name, transport) => {
      const steady = await load(await nginx(1_000_000), transport());
      const usual = await load(await nginx(), transport());
      const ratio = (usual.perSecond / steady.perSecond).toFixed(2);
      console.info(
        `${name} behind nginx: ${usual.perSecond.toFixed(0)} calls/s, ${ratio} of those on one connection; ` +
          `worst ${usual.worstMs.toFixed(0)} ms`,
      );
    },
    120_000,
  );

  test("callers take turns where nginx takes one call a connection", async () => {
    await using channel = createChannel({ endpoints: [await nginx(1)] });
    const client = createClient(Probe, channel);
    let left = 400;
    const caller = async (): Promise<number> => {
      let made = 0;
      for (; left-- > 0; made++) await client.echo(payload("hello"), { timeoutMs: 10_000 });
      return made;
    };
    const made = await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
    expect(Math.min(...made)).toBeGreaterThan(20);
    expect(Math.max(...made)).toBeLessThan(80);
  });

  test("no call fails where nginx takes two calls a connection", async () => {
    const address = await nginx(2);
    await using channel = createChannel({ endpoints: [address] });
    const client = createClient(Probe, channel);
    for (let i = 0; i < 20; i++) {
      const calls = Array.from({ length: 3 }, () => client.echo(payload("hello"), { timeoutMs: 10_000 }));
      expect(await Promise.all(calls)).toEqual([payload("hello"), payload("hello"), payload("hello")]);
    }
  });
});

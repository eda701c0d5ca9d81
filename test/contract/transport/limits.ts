import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { RpcError } from "../../../src/core/rpc-error.ts";
import { createLog } from "../../support/log.ts";
import {
  type Abilities,
  collect,
  echo,
  event,
  expand,
  failure,
  payload,
  reply,
  requests,
  responses,
  texts,
  type World,
} from "./world.ts";

/** The bytes that a payload's tag and length take before `data`, for data of 128 to 16,383 bytes. */
const headBytes = 3;

/** Limits, which whoever receives a thing enforces. */
export function limits(world: () => World, { sockets }: Abilities): void {
  test.each<[name: string, value: unknown, range: string]>([
    ["connectTimeoutMs", 0, "a whole number from 1 to 2147483647"],
    ["connectTimeoutMs", Number.POSITIVE_INFINITY, "a whole number from 1 to 2147483647"],
    ["keepaliveMs", -1, "a whole number from 1, or Infinity for no limit"],
    ["keepaliveTimeoutMs", Number.NaN, "a whole number from 1, or Infinity for no limit"],
    ["maxReceiveMessageBytes", 1.5, "a whole number from -1, or Infinity for no limit"],
    ["maxSendMessageBytes", "1000", "a whole number from -1, or Infinity for no limit"],
    ["maxMetadataBytes", 0, "a whole number from 1 to 4294967295"],
    ["maxMetadataBytes", Number.POSITIVE_INFINITY, "a whole number from 1 to 4294967295"],
  ])("a client's %s of %s is refused, with what it may be", async (name, value, range) => {
    const here = world();
    const { address } = await here.serve();
    const given = typeof value === "string" ? `"${value}"` : value;
    const error = new TypeError(`${name} is ${given}: give ${range}`);
    expect(() => here.dial(address, { [name]: value })).toThrow(error);
  });

  test.each<[name: string, value: unknown, range: string]>([
    ["maxConcurrentStreams", 0, "a whole number from 1 to 4294967295"],
    ["maxConcurrentStreams", Number.POSITIVE_INFINITY, "a whole number from 1 to 4294967295"],
    ["maxConnections", -1, "a whole number from 1, or Infinity for no limit"],
    ["keepaliveMs", 0, "a whole number from 1, or Infinity for no limit"],
    ["keepaliveTimeoutMs", 0.5, "a whole number from 1, or Infinity for no limit"],
    ["maxReceiveMessageBytes", -2, "a whole number from -1, or Infinity for no limit"],
    ["maxMetadataBytes", 2 ** 32, "a whole number from 1 to 4294967295"],
  ])("a server's %s of %s is refused, with what it may be", async (name, value, range) => {
    const listening = world().serve({}, { [name]: value });
    await expect(listening).rejects.toThrow(TypeError);
    await expect(listening).rejects.toThrow(`${name} is ${value}: give ${range}`);
  });

  test("no limit at all is one that may be given", async () => {
    const endless = Number.POSITIVE_INFINITY;
    const pings = { keepaliveMs: endless, keepaliveTimeoutMs: endless };
    const { peer } = await world().pair(
      {},
      { listen: { ...pings, maxReceiveMessageBytes: -1 }, connect: { ...pings, maxReceiveMessageBytes: endless } },
    );
    expect((await echo(peer, payload("", 5_000_000))).response).toEqual(payload("", 5_000_000));
  });

  test("a request over the server's limit is RESOURCE_EXHAUSTED and does not reach the handler", async () => {
    let called = false;
    const answers = {
      echo(one: { request: unknown }) {
        called = true;
        return reply(one.request);
      },
    };
    const { peer } = await world().pair(answers, { listen: { maxReceiveMessageBytes: 1000 } });
    expect((await failure(echo(peer, payload("", 1001 - headBytes)))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(called).toBe(false);
    expect((await echo(peer, payload("", 1000 - headBytes))).response).toEqual(payload("", 1000 - headBytes));
  });

  test("a request over the limit in the middle of a stream ends the call on both sides", async () => {
    const seen = event<RpcError>();
    const { peer } = await world().pair(
      {
        async collect(one) {
          seen.happen(await failure(texts(requests(one))));
          return reply({ count: 0, bytes: 0n });
        },
      },
      { listen: { maxReceiveMessageBytes: 1000 } },
    );
    async function* growing(): AsyncGenerator<Payload> {
      for (let size = 100; ; size *= 2) yield payload("", size);
    }
    expect((await failure(collect(peer, growing()))).code).toBe(Code.RESOURCE_EXHAUSTED);
    await seen.happened;
  });

  test("a response over the client's limit is RESOURCE_EXHAUSTED", async () => {
    const { peer } = await world().pair({}, { connect: { maxReceiveMessageBytes: 1000 } });
    expect((await failure(echo(peer, payload("", 1001 - headBytes)))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect((await echo(peer, payload("", 1000 - headBytes))).response).toEqual(payload("", 1000 - headBytes));
  });

  test("a response over the limit in the middle of a stream throws to its reader and stops the server", async () => {
    const released = event();
    const { peer } = await world().pair(
      {
        expand: () =>
          reply(
            (async function* () {
              try {
                for (let size = 100; ; size *= 2) yield payload("", size);
              } finally {
                released.happen();
              }
            })(),
          ),
      },
      { connect: { maxReceiveMessageBytes: 1000 } },
    );
    const reading = async (): Promise<unknown> => texts(responses(await expand(peer)));
    expect((await failure(reading())).code).toBe(Code.RESOURCE_EXHAUSTED);
    await released.happened;
  });

  test.each([
    ["request", "the client's maxSendMessageBytes", { connect: { maxSendMessageBytes: 100 } }],
    ["request", "the server's maxReceiveMessageBytes", { listen: { maxReceiveMessageBytes: 100 } }],
    ["reply", "the server's maxSendMessageBytes", { listen: { maxSendMessageBytes: 100 } }],
    ["reply", "the client's maxReceiveMessageBytes", { connect: { maxReceiveMessageBytes: 100 } }],
  ] as const)("a %s over a limit names its method and %s", async (what, whose, limits) => {
    const growing = async function* (): AsyncGenerator<Payload> {
      yield payload("", 1);
      yield payload("", 200);
    };
    const { peer } = await world().pair({ expand: () => reply(growing()) }, limits);
    const says = (method: string) =>
      new RegExp(`^the ${what} of /probe.v1.Probe/${method} has \\d+ bytes; the limit is 100, ${whose}$`);
    expect((await failure(echo(peer, payload("", 200)))).message).toMatch(says("Echo"));
    if (what === "request") expect((await failure(collect(peer, growing()))).message).toMatch(says("Collect"));
    else {
      const reading = async (): Promise<unknown> => texts(responses(await expand(peer)));
      expect((await failure(reading())).message).toMatch(says("Expand"));
    }
  });

  test("four megabytes are the limit where nothing is said", async () => {
    const { peer } = await world().pair();
    const limit = 4 * 1024 * 1024;
    const { response } = await echo(peer, payload("", limit - 5));
    expect((response as Payload).data).toHaveLength(limit - 5);
    const over = await failure(echo(peer, payload("", limit)));
    expect(over.code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(over.message).toMatch(/the limit is 4194304, the server's maxReceiveMessageBytes$/);
  });

  test("a request over the client's own limit is not sent", async () => {
    let called = false;
    const answers = {
      echo(one: { request: unknown }) {
        called = true;
        return reply(one.request);
      },
    };
    const { peer } = await world().pair(answers, { connect: { maxSendMessageBytes: 100 } });
    const error = await failure(echo(peer, payload("", 101)));
    expect(error.code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(error.message).toContain("the limit is 100, the client's maxSendMessageBytes");
    await expand(peer);
    expect(called).toBe(false);
  });

  test("requests that cannot be sent harm no other call of the connection, however many they are", async () => {
    const go = event();
    async function* waiting(): AsyncGenerator<Payload> {
      yield payload("first");
      await go.happened;
      yield payload("last");
    }
    const { peer } = await world().pair({ expand: () => reply(waiting()) }, { connect: { maxSendMessageBytes: 100 } });
    const stream = responses(await expand(peer));
    expect((await stream.next()).value).toEqual(payload("first"));
    const large = payload("", 101);
    const unencodable = { ...payload(), data: 7 as unknown as Uint8Array };
    for (let i = 0; i < 20; i++) {
      const all = await Promise.all(
        Array.from({ length: 100 }, (_, j) => failure(echo(peer, j % 2 ? large : unencodable))),
      );
      expect(new Set(all.map(({ code }) => code))).toEqual(new Set([Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED]));
    }
    await echo(peer);
    go.happen();
    expect((await stream.next()).value).toEqual(payload("last"));
  });

  test("a response over the server's own limit is RESOURCE_EXHAUSTED", async () => {
    const { peer } = await world().pair({}, { listen: { maxSendMessageBytes: 100 } });
    expect((await failure(echo(peer, payload("", 101)))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect((await echo(peer, payload("", 50))).response).toEqual(payload("", 50));
  });

  test("request metadata over the server's limit is RESOURCE_EXHAUSTED", async () => {
    let called = false;
    const answers = {
      echo(one: { request: unknown }) {
        called = true;
        return reply(one.request);
      },
    };
    const { peer } = await world().pair(answers, { listen: { maxMetadataBytes: 2000 } });
    const metadata = Metadata.from({ long: "x".repeat(2000) });
    expect((await failure(echo(peer, payload(), { metadata }))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(called).toBe(false);
    await echo(peer, payload(), { metadata: Metadata.from({ long: "x".repeat(1000) }) });
    expect(called).toBe(true);
  });

  test("a header or a trailer over the client's limit is RESOURCE_EXHAUSTED", async () => {
    const long = Metadata.from({ long: "x".repeat(2000) });
    const { peer } = await world().pair(
      {
        echo: (one) => reply(one.request, long),
        expand: () => reply((async function* () {})(), Metadata.EMPTY, long),
        async collect() {
          throw new RpcError(Code.ABORTED, "with much to say", { metadata: long });
        },
      },
      { connect: { maxMetadataBytes: 2000 } },
    );
    expect((await failure(echo(peer))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect((await failure(expand(peer).then(responses).then(texts))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect((await failure(collect(peer, (async function* () {})()))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(peer.ready).toBe(true);
  });

  test("metadata too large to be sent is RESOURCE_EXHAUSTED, and harms no other call", async () => {
    const go = event();
    const huge = Metadata.from({ huge: "x".repeat(1_000_000) });
    const { peer } = await world().pair({
      async echo(one) {
        await go.happened;
        return reply(one.request);
      },
      expand: () => reply((async function* () {})(), Metadata.EMPTY, huge),
      collect: () => reply({ count: 0, bytes: 0n }, huge),
    });
    const other = echo(peer);
    expect((await failure(echo(peer, payload(), { metadata: huge }))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect((await failure(expand(peer).then(responses).then(texts))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect((await failure(collect(peer, (async function* () {})()))).code).toBe(Code.RESOURCE_EXHAUSTED);
    go.happen();
    expect((await other).response).toEqual(payload("hello"));
  });

  if (sockets) {
    test("calls over the server's limit of streams wait for their turn", async () => {
      let running = 0;
      let most = 0;
      const { peer } = await world().pair(
        {
          async echo(one) {
            running += 1;
            most = Math.max(most, running);
            await new Promise(setImmediate);
            running -= 1;
            return reply(one.request);
          },
        },
        { listen: { maxConcurrentStreams: 4 } },
      );
      await echo(peer);
      await Promise.all(Array.from({ length: 40 }, () => echo(peer)));
      expect(most).toBeLessThanOrEqual(8);
    });

    test("a connection over the server's limit is not taken, and takes its turn later", async () => {
      const here = world();
      const log = createLog();
      const listener = await here.serve({}, { maxConnections: 1, logger: log });
      const first = here.dial(listener.address);
      await echo(first);
      const second = here.dial(listener.address);
      expect(await failure(echo(second))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
      const [refused] = log.of("warn");
      expect(refused).toMatchObject({ message: "a connection is refused", fields: { address: listener.address } });
      expect(refused?.fields.peer).toMatch(/^127\.0\.0\.1:\d+$/);
      await first.close();
      await expect
        .poll(
          () =>
            echo(second).then(
              () => true,
              () => false,
            ),
          { timeout: 10_000 },
        )
        .toBe(true);
    });
  }
}

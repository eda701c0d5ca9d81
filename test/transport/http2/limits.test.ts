import { expect, test } from "vitest";
import { type Http2Limits, http2 } from "../../../src/transport/http2/index.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";
import { createWorld, echo, payload } from "../../contract/transport/world.ts";

const names = [
  "streamWindowBytes",
  "maxStreamWindowBytes",
  "growthBytes",
  "connectionWindowBytes",
  "maxFrameBytes",
  "handshakeTimeoutMs",
  "stallTimeoutMs",
  "controlFramesPerSecond",
  "resetsPerSecond",
  "maxConnectionsPerPeer",
  "maxCallsPerConnection",
  "maxWaitingCalls",
] as const satisfies readonly (keyof Http2Limits)[];

test.each(names)("%s that is no whole number, or negative, is refused by name", (name) => {
  for (const value of [Number.NaN, -1, 1.5, Number.NEGATIVE_INFINITY, "100", null]) {
    expect(() => http2({ [name]: value })).toThrow(TypeError);
    expect(() => http2({ [name]: value })).toThrow(
      new RegExp(`^${name} is ${value === "100" ? '"100"' : value}: give`),
    );
  }
});

test.each<[limit: Http2Limits, range: string]>([
  [{ streamWindowBytes: 0 }, "from 1 to 2147483647"],
  [{ streamWindowBytes: 2 ** 31 }, "from 1 to 2147483647"],
  [{ maxStreamWindowBytes: Number.POSITIVE_INFINITY }, "from 1 to 2147483647"],
  [{ connectionWindowBytes: 65_534 }, "from 65535 to 2147483647"],
  [{ connectionWindowBytes: 2 ** 31 }, "from 65535 to 2147483647"],
  [{ maxFrameBytes: 16_383 }, "from 16384 to 16777215"],
  [{ maxFrameBytes: 2 ** 24 }, "from 16384 to 16777215"],
  [{ maxConnectionsPerPeer: 0 }, "from 1, or Infinity for no limit"],
])("%o is refused with its range", (limit, range) => {
  expect(() => http2(limit)).toThrow(`give a whole number ${range}`);
});

test("a budget and the bytes of one are refused together", () => {
  const both = { memory: new MemoryBudget(), memoryBudgetBytes: 1e8 };
  expect(() => http2(both)).toThrow("memory and memoryBudgetBytes are both given");
});

let limits: Http2Limits = {};
const world = createWorld(() => ({ transport: http2(limits) }));

test.each<[what: string, limits: Http2Limits]>([
  ["the least", { connectionWindowBytes: 65_535, streamWindowBytes: 65_535, maxFrameBytes: 16_384, growthBytes: 0 }],
  [
    "the most",
    { connectionWindowBytes: 2 ** 31 - 1, streamWindowBytes: 2 ** 31 - 1, maxFrameBytes: 2 ** 24 - 1, growthBytes: 1 },
  ],
  ["without limits", { growthBytes: Number.POSITIVE_INFINITY, controlFramesPerSecond: Number.POSITIVE_INFINITY }],
])("%s that may be given works", async (_what, given) => {
  limits = given;
  const { peer } = await world().pair();
  const message = payload("large", 1_000_000);
  expect((await echo(peer, message)).response).toEqual(message);
});

test("what is no limit of http2 is refused, with where it belongs", () => {
  const given = (name: string) => () => http2({ [name]: 100 });
  expect(given("maxConcurrentStreams")).toThrow(
    new TypeError('http2 has no option "maxConcurrentStreams": give it to createServer'),
  );
  expect(given("maxMetadataBytes")).toThrow("give it to createServer or createChannel");
  expect(given("maxFramBytes")).toThrow('http2 has no option "maxFramBytes": did you mean maxFrameBytes?');
});

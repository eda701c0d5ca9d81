import { readFileSync } from "node:fs";
import { createChannel, createServer } from "trunkline";
import { expect, test } from "vitest";
import { type Http2Limits, http2 } from "../../../src/transport/http2/index.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";
import { createWorld, echo, payload } from "../../contract/transport/world.ts";

/** Read from the page: each option, and whose it is where it is none of http2's. */
const page = readFileSync(new URL("../../../docs/transport.md", import.meta.url), "utf8");
const rows = [...page.slice(page.indexOf("## Limits")).matchAll(/^\| (`[^|]+) \| ([^|]+) \| [^|]*\|$/gm)];
const listed = rows.flatMap(([, what = "", byDefault = ""]) => {
  const [head = "", owner] = what.split(/: of (?=`create)/);
  const list = owner === undefined ? (head.split(":")[0] ?? "") : head;
  return [...list.matchAll(/`(\w+)`/g)].map(([, name = ""]) => ({ name, byDefault, owner: owner?.split(";")[0] }));
});
const names = listed.filter(({ owner, name }) => owner === undefined && name !== "memory").map(({ name }) => name);

test("every limit of http2 stands in docs/transport.md with its default, and no other", () => {
  const error = expectError(() => http2({ nothing: 1 } as object));
  const all = error.message.replace(/^.*there are /, "").split(", ");
  expect([...names, "memory"].sort()).toEqual(all.sort());
  for (const { byDefault } of listed) expect(byDefault).toMatch(/\d|no limit|a quarter/);
});

test.each(listed.filter(({ owner }) => owner !== undefined))(
  "$name, of $owner, is refused by http2",
  ({ name, owner }) => {
    const where = owner?.replaceAll("`", "").replace(" and ", " or ").trim();
    expect(() => http2({ [name]: 100 })).toThrow(`http2 has no option "${name}": give it to ${where}`);
    const given = { [name]: "100" };
    expect(() => createServer(given)).toThrow(`${name} is "100": give a whole number`);
    if (where?.includes("createChannel")) {
      expect(() => createChannel({ endpoints: ["127.0.0.1:1"], ...given })).toThrow(`${name} is "100": give`);
    }
  },
);

function expectError(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  return expect.fail("it did not throw");
}

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

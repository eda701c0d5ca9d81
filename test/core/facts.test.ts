import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test, vi } from "vitest";
import { checkObservers } from "../../src/core/check-observers.ts";
import { bothFacts, createFacts, type Fact, NOBODY } from "../../src/core/facts.ts";
import { FACT_KINDS } from "../../src/core/facts-log.ts";
import { silent } from "../../src/core/logger.ts";
import { createLog } from "../support/log.ts";

const closed = { service: "a.A", peer: "10.0.0.1:1" };

test("where nobody listens there is nothing to ask", () => {
  expect(createFacts().on).toBe(NOBODY);
  expect(createFacts({ logger: silent }).on).toBe(NOBODY);
  expect(createFacts({ observers: [{}] }).on["circuit-closed"]).toBeUndefined();
});

test("an observer by kind has only those facts made that it names", () => {
  const heard: Fact[] = [];
  const facts = createFacts({ observers: [{ "circuit-closed": (fact) => heard.push(fact) }] });
  expect(facts.on["call-ended"]).toBeUndefined();
  expect(facts.on["circuit-half-open"]).toBeUndefined();
  facts.on["circuit-closed"]?.(closed);
  expect(heard).toEqual([{ kind: "circuit-closed", ...closed }]);
});

test("a function hears every kind", () => {
  const { on } = createFacts({ observers: [() => {}] });
  for (const kind of FACT_KINDS) expect(on[kind], kind).toBeTypeOf("function");
});

test("observers come and go while the stream flows", () => {
  const facts = createFacts();
  const heard: string[] = [];
  const stop = facts.add({ "circuit-closed": () => heard.push("first") });
  const stopOther = facts.add(({ kind }) => heard.push(kind));
  facts.on["circuit-closed"]?.(closed);
  stop();
  stop();
  facts.on["circuit-closed"]?.(closed);
  stopOther();
  expect(facts.on).toBe(NOBODY);
  expect(heard).toEqual(["first", "circuit-closed", "circuit-closed"]);
});

test("what an observer throws, or rejects with, is logged once, and the others hear all the same", async () => {
  const logger = createLog();
  let heard = 0;
  const bad = {
    "circuit-closed": () => {
      throw new Error("at once");
    },
  };
  const late = { "circuit-closed": () => Promise.reject(new Error("later")) };
  const facts = createFacts({ logger, observers: [bad, late, { "circuit-closed": () => heard++ }] });
  for (let i = 0; i < 3; i++) facts.on["circuit-closed"]?.(closed);
  await new Promise(setImmediate);
  expect(heard).toBe(3);
  expect(logger.of().map(({ fields }) => (fields.err as Error).message)).toEqual(["at once", "later"]);
});

test("without a logger it is a warning of the process, once", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const facts = createFacts({
    observers: [
      () => {
        throw new Error("bad");
      },
    ],
  });
  facts.on["circuit-closed"]?.(closed);
  facts.on["circuit-closed"]?.(closed);
  expect(warn.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining("circuit-closed")]);
  warn.mockRestore();
});

test("a logger that throws harms nothing", () => {
  const fails = (): never => {
    throw new Error("the disk is full");
  };
  const facts = createFacts({ logger: { debug: fails, info: fails, warn: fails, error: fails } });
  facts.on["circuit-closed"]?.(closed);
});

test("a logger is a reader: errors stand as err, and what the text says is no field besides", () => {
  const logger = createLog();
  const { on } = createFacts({ logger });
  const error = new Error("bad");
  on["handler-threw"]?.({ method: "/a.A/B", error });
  on["circuit-opened"]?.({ ...closed, openMs: 7, code: "UNAVAILABLE", message: "gone" });
  expect(on["call-ended"]).toBeUndefined();
  expect(logger.lines).toEqual([
    {
      level: "error",
      message: "a handler or an interceptor threw something that is not an RpcError",
      fields: { method: "/a.A/B", err: error },
    },
    {
      level: "warn",
      message: "circuit opened: gone",
      fields: { service: "a.A", peer: "10.0.0.1:1", openMs: 7, code: "UNAVAILABLE" },
    },
  ]);
});

test("what happens again and again is a fact each time, and seldom a line", () => {
  const logger = createLog();
  const heard: Fact[] = [];
  const { on } = createFacts({ logger, observers: [{ "connection-refused": (fact) => heard.push(fact) }] });
  for (let i = 0; i < 5; i++) on["connection-refused"]?.({ address: "a:1", peer: `b:${i}`, reason: "too many" });
  expect(heard).toHaveLength(5);
  expect(logger.of()).toHaveLength(1);
});

test("a room with a logger of its own logs there, and its observers are those of the stream", () => {
  const [own, others] = [createLog(), createLog()];
  let heard = 0;
  const facts = createFacts({ logger: others });
  const mine = facts.loggedBy(own);
  facts.add({ "circuit-closed": () => heard++ });
  mine.on["circuit-closed"]?.(closed);
  expect([own.lines.length, others.lines.length, heard]).toEqual([1, 0, 1]);
  expect(facts.loggedBy(undefined)).toBe(facts);
});

test("two streams hear what concerns both", () => {
  const heard: string[] = [];
  const one = createFacts({ observers: [{ "circuit-closed": () => heard.push("one") }] });
  const other = createFacts({ observers: [{ "circuit-closed": () => heard.push("other") }] });
  bothFacts(one, other).on["circuit-closed"]?.(closed);
  bothFacts(createFacts(), other).on["circuit-closed"]?.(closed);
  expect(bothFacts(createFacts(), createFacts()).on["circuit-closed"]).toBeUndefined();
  expect(heard).toEqual(["one", "other", "other"]);
});

test("who observes two streams is told once of what concerns both, and it is logged once", () => {
  let heard = 0;
  const [first, second] = [createLog(), createLog()];
  const observers = [{ "circuit-closed": () => heard++ }];
  const [one, other] = [createFacts({ observers, logger: first }), createFacts({ observers, logger: second })];
  const both = bothFacts(one, other);
  expect(both.on).toBe(both.on);
  both.on["circuit-closed"]?.(closed);
  expect([heard, first.lines.length, second.lines.length]).toEqual([1, 1, 0]);
  bothFacts(createFacts({ observers }), other).on["circuit-closed"]?.(closed);
  expect([heard, first.lines.length, second.lines.length]).toEqual([2, 1, 1]);
  other.add({ "circuit-closed": () => heard++ });
  both.on["circuit-closed"]?.(closed);
  expect(heard).toBe(4);
});

test.each([
  [
    [{ "circuit-openned": () => {} }],
    'an observer listens to "circuit-openned", and there is no such fact: did you mean circuit-opened?',
  ],
  [[{ "circuit-opened": 1 }], "an observer's circuit-opened is a number: give a function"],
  [[7], "an observer is a number: give one"],
  [{}, "observers is an object: give a list"],
])("%j is told to be no list of observers", (observers, message) => {
  expect(() => checkObservers({ observers: observers as never })).toThrow(message);
});

test("an observer may have functions besides those that listen", () => {
  checkObservers({ observers: [{ "circuit-opened": () => {}, recent: () => [], size: 1 }, () => {}] });
});

test("no room logs by itself: a logger is a reader of facts", () => {
  const src = resolve(import.meta.dirname, "../../src");
  const readers = ["core/facts.ts", "core/facts-log.ts"];
  const others = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => {
    if (!file.endsWith(".ts") || readers.includes(file) || file.startsWith("cli/")) return false;
    return /\blogger\??\.(debug|info|warn|error)\b/.test(readFileSync(join(src, file), "utf8"));
  });
  expect(others).toEqual([]);
});

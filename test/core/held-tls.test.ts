import { expect, test } from "vitest";
import { certificateTimes } from "../../src/core/certificate.ts";
import { expiryNotice } from "../../src/core/certificate-watch.ts";
import { createFacts } from "../../src/core/facts.ts";
import { heldTls } from "../../src/core/held-tls.ts";
import type { ServerTls } from "../../src/core/transport.ts";
import { authority, expiredTls, nextServerTls, serverTls } from "../support/certs.ts";
import { createLog } from "../support/log.ts";

const dayMs = 86_400_000;

test("options that are given anew and say the same are the same object", () => {
  const held = heldTls(() => ({ cert: Buffer.from(serverTls.cert), key: serverTls.key }), "server");
  expect(held()).toBe(held());
});

test("what is wrong from the start is an error, and so is a function that throws or gives a promise", () => {
  expect(() => heldTls(() => ({ ...serverTls, key: nextServerTls.key }), "server")).toThrow("does not belong to");
  expect(() => heldTls(() => Promise.resolve(serverTls) as never, "server")).toThrow(
    "the function that was given as tls gave a promise: await it before, and give what came last",
  );
  const away = () => {
    throw new Error("the vault is sealed");
  };
  expect(() => heldTls(away, "server")).toThrow("the vault is sealed");
});

test("a source that fails in another way each time is told of three times in a minute, however often it is asked", async () => {
  const log = createLog();
  let asked = 0;
  const failing = (): ServerTls => {
    if (asked++ > 0) throw new Error(`try ${asked} failed`);
    return serverTls;
  };
  const held = heldTls(failing, "server", createFacts({ logger: log }));
  await expect.poll(() => held() && log.lines.length, { timeout: 10_000 }).toBe(1);
  for (let i = 0; i < 100; i++) expect(held()).toBe(serverTls);
  expect(log.lines).toHaveLength(3);
});

test("a certificate that has expired does not take the place of one that has not", () => {
  let tls: ServerTls = serverTls;
  const held = heldTls(() => tls, "server");
  tls = expiredTls;
  expect(held()).toBe(serverTls);
});

test("an expired certificate is taken where there is no better one, and is replaced", () => {
  let tls: ServerTls = expiredTls;
  const held = heldTls(() => tls, "server");
  expect(held()).toBe(expiredTls);
  tls = serverTls;
  expect(held()).toBe(serverTls);
});

test("of a certificate and those that are sent with it the first to end counts", () => {
  const ends = (cert: string) => certificateTimes({ cert, key: "" })?.expiresAt.getUTCFullYear();
  expect(ends(serverTls.cert as string)).toBe(2120);
  expect(ends(`${serverTls.cert}\n${expiredTls.cert}`)).toBe(2021);
  expect(certificateTimes({ ca: authority })).toBeUndefined();
});

test("a certificate is warned of once a day from 30 days before its end on, and then it is an error", () => {
  const times = { subject: "CN=localhost", startsAt: new Date(0), expiresAt: new Date(365 * dayMs) };
  const log = createLog();
  let day = 0;
  const tell = expiryNotice(createFacts({ logger: log }), () => day * dayMs);
  const linesUntil = (last: number) => {
    const before = log.lines.length;
    for (; day <= last; day += 0.25) tell(times);
    return log.lines.slice(before).map(({ level }) => level);
  };
  expect(linesUntil(334.75)).toEqual([]);
  expect(linesUntil(337.75)).toEqual(["warn", "warn", "warn"]);
  expect(log.lines[0]?.fields).toEqual({ subject: "CN=localhost", expiresAt: times.expiresAt, daysLeft: 30 });
  linesUntil(364.75);
  expect(linesUntil(366.75)).toEqual(["error", "error"]);
});

test("a certificate that lives for a day is warned of in its last third", () => {
  const times = { subject: "CN=short", startsAt: new Date(0), expiresAt: new Date(dayMs) };
  const log = createLog();
  expiryNotice(createFacts({ logger: log }), () => 0.6 * dayMs)(times);
  expect(log.lines).toEqual([]);
  expiryNotice(createFacts({ logger: log }), () => 0.7 * dayMs)(times);
  expect(log.lines.length).toBe(1);
});

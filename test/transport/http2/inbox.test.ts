import { expect, test } from "vitest";
import { Code } from "../../../src/core/code.ts";
import { Inbox } from "../../../src/transport/http2/inbox.ts";
import { randomFrom } from "./random.ts";
import { framed } from "./raw-peer.ts";

const next = (inbox: Inbox): Buffer | undefined =>
  inbox.take() ? Buffer.from(inbox.bytes.subarray(inbox.start, inbox.end)) : undefined;

test("messages of all sizes come out as they went in, however they are cut and whenever they are read", () => {
  const random = randomFrom(4);
  for (let round = 0; round < 40; round++) {
    const messages = Array.from({ length: 40 }, (_, i) =>
      Buffer.alloc(random(8) === 0 ? random(150_000) : random(300), i),
    );
    const bytes = Buffer.concat(messages.map((message) => framed(message)));
    const inbox = new Inbox(-1);
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + random(round % 2 === 0 ? 50_000 : 700));
      const lent = Buffer.from(bytes.subarray(at, end));
      inbox.append(lent, 0, lent.length);
      lent.fill(0xee);
      at = end;
      for (let n = random(4); n > 0 && inbox.ready > 0; n--) out.push(next(inbox) as Buffer);
    }
    for (let message = next(inbox); message !== undefined; message = next(inbox)) out.push(message);
    expect(out.length).toBe(messages.length);
    expect(Buffer.concat(out).equals(Buffer.concat(messages))).toBe(true);
    expect(inbox).toMatchObject({ ready: 0, size: 0, partial: false, missing: 0 });
  }
});

test("what a message still lacks is known once its prefix is there", () => {
  const inbox = new Inbox(-1);
  const bytes = framed(Buffer.alloc(100_000));
  inbox.append(bytes, 0, 3);
  expect(inbox).toMatchObject({ partial: true, missing: 0 });
  inbox.append(bytes, 3, 50);
  expect(inbox.missing).toBe(bytes.length - 50);
  inbox.append(bytes, 50, bytes.length);
  expect(inbox).toMatchObject({ partial: false, missing: 0, ready: 1 });
});

test("a message that claims 100 MB and does not come costs 64 KiB", () => {
  const inbox = new Inbox(-1);
  const before = process.memoryUsage().arrayBuffers;
  const bytes = framed(Buffer.alloc(10), 100_000_000);
  inbox.append(bytes, 0, bytes.length);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000);
  expect(inbox.missing).toBe(100_000_000 - 10);
});

test("a message that is granted gets all its memory once its first part is there, but not 100 MB", () => {
  const taken = (claimed: number, granted: boolean): number => {
    const inbox = new Inbox(-1);
    const bytes = framed(Buffer.alloc(80_000), claimed);
    inbox.append(bytes, 0, 50_000);
    inbox.granted = granted;
    const before = process.memoryUsage().arrayBuffers;
    inbox.append(bytes, 50_000, bytes.length);
    return process.memoryUsage().arrayBuffers - before;
  };
  expect(taken(4_000_000, true)).toBeGreaterThanOrEqual(4_000_000);
  expect(taken(4_000_000, false)).toBeLessThan(200_000);
  expect(taken(100_000_000, true)).toBeLessThan(10_000_000);
});

test.each([0, 1, 20_000])("a message over the limit of %d bytes is refused by its prefix", (limit) => {
  const bytes = framed(Buffer.alloc(0), limit + 1);
  const inbox = new Inbox(limit);
  expect(() => inbox.append(bytes, 0, bytes.length)).toThrow(
    expect.objectContaining({ code: Code.RESOURCE_EXHAUSTED }),
  );
});

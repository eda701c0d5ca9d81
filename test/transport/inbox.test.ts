import { expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { inbox } from "../../src/transport/inbox.ts";

function opened() {
  const asked = { more: 0, dropped: 0 };
  const box = inbox<number>({ more: () => asked.more++, dropped: () => asked.dropped++ });
  return { asked, box };
}

const broken = new RpcError(Code.UNAVAILABLE, "broken");
const end = { done: true, value: undefined };

test("the wire is asked for more only while the reader waits", async () => {
  const { asked, box } = opened();
  expect(asked.more).toBe(0);
  const next = box.next();
  expect(asked.more).toBe(1);
  box.push(1);
  expect(await next).toEqual({ done: false, value: 1 });
  expect(asked.more).toBe(1);
});

test("readers who wait side by side are served in turn, one message asked for at a time", async () => {
  const { asked, box } = opened();
  const all = [box.next(), box.next(), box.next()];
  expect(asked.more).toBe(1);
  box.push(1);
  expect(asked.more).toBe(2);
  box.push(2);
  box.end();
  expect(await Promise.all(all)).toEqual([{ done: false, value: 1 }, { done: false, value: 2 }, end]);
});

test("what was held when the stream ended is read first", async () => {
  const { asked, box } = opened();
  box.push(1);
  box.push(2);
  box.end();
  const read: number[] = [];
  for await (const message of box) read.push(message);
  expect(read).toEqual([1, 2]);
  expect(asked).toEqual({ more: 0, dropped: 0 });
});

test("what was held when the stream broke is read first, and the error is thrown once", async () => {
  const { box } = opened();
  box.push(1);
  box.fail(broken);
  box.fail(new RpcError(Code.INTERNAL, "later"));
  box.push(2);
  expect(await box.next()).toEqual({ done: false, value: 1 });
  await expect(box.next()).rejects.toBe(broken);
  expect(await box.next()).toEqual(end);
});

test("an error is told once, and those who wait behind find the end", async () => {
  const { box } = opened();
  const all = [box.next(), box.next()];
  box.fail(broken);
  await expect(all[0]).rejects.toBe(broken);
  expect(await all[1]).toEqual(end);
  expect(await box.next()).toEqual(end);
});

test("an error that nobody reads is nobody's unhandled rejection", async () => {
  const { box } = opened();
  box.fail(broken);
  await new Promise(setImmediate);
});

test("a reader who breaks off drops the stream, once", async () => {
  const { asked, box } = opened();
  box.push(1);
  box.push(2);
  for await (const _ of box) break;
  await box.return?.();
  expect(asked.dropped).toBe(1);
  box.push(3);
  expect(await box.next()).toEqual(end);
});

test("a reader who waits when the stream is dropped sees its end", async () => {
  const { box } = opened();
  const next = box.next();
  await box.return?.();
  expect(await next).toEqual(end);
});

test("breaking off after the end drops nothing", async () => {
  const { asked, box } = opened();
  box.end();
  await box.return?.();
  expect(asked.dropped).toBe(0);
});

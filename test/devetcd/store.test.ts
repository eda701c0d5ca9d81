import { expect, test } from "vitest";
import { boundedRange, type Key, type KeyRange } from "../../src/devetcd/key-range.ts";
import { createStore, type Store } from "../../src/devetcd/store.ts";

const everything: KeyRange = { from: "", to: undefined };
const only = (key: Key): KeyRange => boundedRange(Buffer.from(key, "latin1"), new Uint8Array());
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function put(store: Store, key: Key, value = "value"): void {
  store.write((write) => write.put(key, Buffer.from(value), 0n));
}

function remove(store: Store, key: Key): void {
  store.write((write) => write.delete(only(key)));
}

test("each write that changes something is one revision, and one that changes nothing is none", () => {
  const store = createStore();
  expect(store.revision).toBe(1n);
  store.write((write) => {
    write.put("a", new Uint8Array(), 0n);
    write.put("b", new Uint8Array(), 0n);
  });
  expect(store.revision).toBe(2n);
  expect(store.write((write) => write.delete(only("missing")))).toBe(0);
  expect(store.revision).toBe(2n);
});

test("a key that was deleted begins again at version 1", () => {
  const store = createStore();
  put(store, "a");
  put(store, "a");
  remove(store, "a");
  put(store, "a");
  expect(store.read(everything)).toMatchObject([{ createRevision: 5n, modRevision: 5n, version: 1n }]);
  expect(store.read(everything, 3n)).toMatchObject([{ createRevision: 2n, modRevision: 3n, version: 2n }]);
  expect(store.read(everything, 4n)).toEqual([]);
});

test("keys stand in the order of their bytes", () => {
  const store = createStore();
  const keys = ["\xff", "b", "a\0", "a", "\0", "aa", "\x80"];
  for (const key of keys) put(store, key);
  const found = store.read(everything).map(({ key }) => Buffer.from(key));
  expect(found).toEqual(keys.map((key) => Buffer.from(key, "latin1")).sort(Buffer.compare));
});

test("what is stored stays as it was when the message that brought it is used again", () => {
  const store = createStore();
  const value = Buffer.from("before");
  store.write((write) => write.put("a", value, 0n));
  value.fill("x");
  expect(text(store.read(only("a"))[0]?.value ?? new Uint8Array())).toBe("before");
});

test("compaction forgets what no later revision can see, and nothing else", () => {
  const store = createStore();
  for (const value of ["1", "2", "3"]) put(store, "kept", value);
  put(store, "gone");
  remove(store, "gone");
  put(store, "later", "1");
  const { revision } = store;
  put(store, "later", "2");
  store.compact(revision);

  const at = (asked: bigint) => store.read(everything, asked).map(({ key, value }) => `${text(key)}=${text(value)}`);
  expect(at(revision)).toEqual(["kept=3", "later=1"]);
  expect(at(0n)).toEqual(["kept=3", "later=2"]);
  expect(() => at(revision - 1n)).toThrow("required revision has been compacted");
  expect(store.changes).toBe(2);
  expect(store.bytes).toBe("kept3".length + "later1".length + "later2".length);
});

test("a store whose keys come and go holds no more after each compaction", () => {
  const store = createStore();
  const sizes = new Set<number>();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 50; i++) put(store, `key ${i}`);
    for (let i = 0; i < 50; i++) remove(store, `key ${i}`);
    put(store, "last");
    store.compact(store.revision);
    sizes.add(store.bytes);
  }
  expect(store.changes).toBe(1);
  expect(sizes.size).toBeLessThanOrEqual(2);
});

test("a revision can be compacted once, and not before its time", () => {
  const store = createStore();
  put(store, "a");
  store.compact(2n);
  expect(() => store.compact(2n)).toThrow("required revision has been compacted");
  expect(() => store.compact(3n)).toThrow("required revision is a future revision");
});

test("the changes of one revision are never cut apart", () => {
  const store = createStore();
  store.write((write) => {
    for (const key of ["a", "b", "c"]) write.put(key, new Uint8Array(), 0n);
  });
  put(store, "d");
  expect(store.changesFrom(1n, 1).map(({ key }) => key)).toEqual(["a", "b", "c"]);
  expect(store.changesFrom(3n, 1).map(({ key }) => key)).toEqual(["d"]);
  expect(store.changesFrom(4n, 1)).toEqual([]);
});

test("a store that begins late has no history from before its beginning", () => {
  const store = createStore({ firstRevision: 1_000n });
  put(store, "a");
  expect(store.revision).toBe(1_001n);
  expect(store.compactRevision).toBe(1_000n);
  expect(() => store.read(everything, 999n)).toThrow("required revision has been compacted");
});

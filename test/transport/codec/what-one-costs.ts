// node --expose-gc what-one-costs.ts: what a message of 4 MiB costs to decode, a line of JSON for each kind of content.
import { CrowdedMessage, FastReader } from "../../../src/transport/codec/fast-reader.ts";
import { Crowd, Empty } from "./golden/crowd.ts";

type Content = (size: number) => Buffer;

function items(item: (i: number) => readonly number[]): Content {
  return (size) => {
    const bytes = Buffer.alloc(size);
    let end = 0;
    for (let i = 0; ; i++) {
      const next = item(i);
      if (end + next.length > size) return bytes.subarray(0, end);
      for (const byte of next) bytes[end++] = byte;
    }
  };
}

const same = (...item: number[]): Content => items(() => item);

/** A field that is as long as the message is, each byte of it the same. */
function whole(field: number, byte: number): Content {
  return (size) => {
    const bytes = Buffer.alloc(size, byte);
    const length = size - 5;
    const sevens = [0, 7, 14, 21].map((shift) => ((length >> shift) & 127) | (shift < 21 ? 128 : 0));
    bytes.set([field * 8 + 2, ...sevens]);
    return bytes;
  };
}

const letters = (i: number): number[] => [...i.toString(36).padStart(4, "0")].map((letter) => letter.charCodeAt(0));
const three = (i: number): number[] => [(i & 127) | 128, ((i >> 7) & 127) | 128, (i >> 14) & 127];
const lists = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((field) => [field * 8, 1]);

const contents: Readonly<Record<string, readonly [type: typeof Crowd | typeof Empty, of: Content]>> = {
  "empty messages of no fields": [Crowd, same(10, 0)],
  "empty messages of 16 fields": [Crowd, same(26, 0)],
  "empty messages of 8 lists, 3 maps and a oneof": [Crowd, same(34, 0)],
  "the same with a number in each list": [Crowd, same(34, lists.length, ...lists)],
  "messages of two small `int64`": [Crowd, same(106, 4, 8, 1, 16, 1)],
  "values of bytes, empty": [Crowd, same(82, 0)],
  "`int64`, small and packed": [Crowd, whole(5, 1)],
  "`int64`, small and not packed": [Crowd, same(48, 1)],
  "`int32`, small and packed": [Crowd, whole(7, 1)],
  "`int32`, small and not packed": [Crowd, same(64, 1)],
  "texts of two letters": [Crowd, same(74, 2, 65, 66)],
  "entries of a map, by text of four letters": [Crowd, items((i) => [90, 6, 10, 4, ...letters(i)])],
  "entries of a map, by `int64`": [Crowd, items((i) => [98, 4, 8, ...three(i)])],
  "unknown fields": [Empty, same(40, 1)],
  "one text": [Crowd, whole(9, 65)],
};

const reader = new FastReader();
const read = (type: typeof Crowd | typeof Empty, bytes: Buffer): unknown =>
  reader.read<unknown>(type, bytes, 0, bytes.length, true);

for (const [content, [type, of]] of Object.entries(contents)) {
  const bytes = of(4 * 1024 * 1024);
  const warm = of(1_000);
  for (let i = 0; i < 1_000; i++) read(type, warm);
  globalThis.gc?.();
  const before = process.memoryUsage();
  const begun = process.cpuUsage();
  let becomes = "decoded";
  try {
    read(type, bytes);
  } catch (error) {
    if (!(error instanceof CrowdedMessage)) throw error;
    becomes = "refused";
  }
  const { user, system } = process.cpuUsage(begun);
  const after = process.memoryUsage();
  const taken = after.heapUsed + after.external - before.heapUsed - before.external;
  console.log(JSON.stringify({ content, becomes, mib: taken / 2 ** 20, ms: (user + system) / 1_000 }));
}

// node bench/codec.ts: the codec beside @bufbuild/protobuf's stock reader and writer, in nanoseconds of processor time.
import { FastReader } from "../src/transport/codec/fast-reader.ts";
import { SlabWriter } from "../src/transport/codec/slab-writer.ts";
import { Blob, Order, Text } from "./gen/bench/v1/bench.ts";
import { blob, order } from "./workload.ts";

const slab = Buffer.alloc(1 << 20);
const writer = new SlabWriter();
const reader = new FastReader();

interface Subject {
  readonly name: string;
  readonly bytes: number;
  readonly ways: Readonly<Record<"encode, stock" | "encode, slab" | "decode, stock" | "decode, fast", () => unknown>>;
}

function subject(name: string, type: any, message: unknown): Subject {
  const encoded = Buffer.from(type.encode(message).finish());
  return {
    name,
    bytes: encoded.length,
    ways: {
      // As a transport must: the message goes behind its header, into what is sent.
      "encode, stock": () => slab.set(type.encode(message).finish(), 14),
      "encode, slab": () => writer.write(type, message, slab, 0, 14),
      "decode, stock": () => type.decode(encoded),
      "decode, fast": () => reader.read(type, encoded, 0, encoded.length),
    },
  };
}

const subjects = [
  subject("text", Text, { text: "world" }),
  subject("text of 60", Text, { text: "The quick brown fox jumps over the lazy dog, again and again." }),
  subject("text, not ASCII", Text, { text: "Grüße aus Köln" }),
  subject("order", Order, order),
  subject("blob of 100", Blob, { data: blob(100) }),
  subject("blob of 64 KiB", Blob, { data: blob(65536) }),
];

/** Nanoseconds of processor time for one go. */
function time(work: () => unknown, goes: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < goes; i++) work();
  const { user, system } = process.cpuUsage(before);
  return (1000 * (user + system)) / goes;
}

const rounds = 7;
for (const { name, bytes, ways } of subjects) {
  const entries = Object.entries(ways);
  const goes = entries.map(([, work]) => Math.ceil(3e7 / time(work, 3000)));
  const measured = entries.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    entries.forEach(([, work], i) => {
      measured[i]?.push(time(work, goes[i] as number));
    });
  }
  const medians = measured.map((times) => times.sort((a, b) => a - b)[rounds >> 1] as number);
  const cells = entries.map(([way], i) => `${way} ${(medians[i] as number).toFixed(0).padStart(6)}`);
  console.log(`${`${name} (${bytes} B)`.padEnd(28)}${cells.join("   ")}`);
}

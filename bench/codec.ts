// node bench/codec.ts: the codec beside @bufbuild/protobuf's stock reader and writer, in nanoseconds of processor time.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
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

type Way = keyof Subject["ways"];
const ways: readonly Way[] = ["encode, stock", "encode, slab", "decode, stock", "decode, fast"];

/** Each way has a process of its own: generated code that meets two readers is slower with both. */
function measureAlone(way: Way): number[] {
  const { stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), way], { encoding: "utf8" });
  return JSON.parse(stdout);
}

function measure(way: Way): number[] {
  return subjects.map(({ ways }) => {
    const goes = Math.ceil(3e7 / time(ways[way], 20_000));
    const times = Array.from({ length: 7 }, () => time(ways[way], goes));
    return times.sort((a, b) => a - b)[3] as number;
  });
}

const [alone] = process.argv.slice(2) as [Way?];
if (alone !== undefined) console.log(JSON.stringify(measure(alone)));
else {
  const figures = ways.map(measureAlone);
  console.log(["".padEnd(28), ...ways].join("   "));
  subjects.forEach(({ name, bytes }, i) => {
    const cells = ways.map((way, w) => (figures[w] as number[])[i]?.toFixed(0).padStart(way.length));
    console.log([`${name} (${bytes} B)`.padEnd(28), ...cells].join("   "));
  });
}

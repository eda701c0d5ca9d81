import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { FastReader } from "../../../src/transport/codec/fast-reader.ts";
import { SlabWriter } from "../../../src/transport/codec/slab-writer.ts";
import { Rich } from "./golden/rich.ts";
import { Maker } from "./random-rich.ts";

const descriptors = readFileSync(new URL("./golden/rich.binpb", import.meta.url));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const richSchema = registry.getMessage("codec.test.v1.Rich") as DescMessage;

/** `CODEC_SEED` and `CODEC_ROUNDS` repeat or lengthen a run. */
const seed = Number(process.env.CODEC_SEED ?? Date.now() % 1_000_000);
const rounds = Number(process.env.CODEC_ROUNDS ?? 300);

test(`random messages have the bytes of @bufbuild/protobuf and come back whole (CODEC_SEED=${seed})`, {
  timeout: 10_000 + 100 * rounds,
}, () => {
  const writer = new SlabWriter();
  const reader = new FastReader();
  const slab = Buffer.alloc(50_000);
  for (let round = 0; round < rounds; round++) {
    const maker = new Maker(seed + round);
    const message = maker.rich(2);
    const stock = Buffer.from(Rich.encode(message).finish());
    const offset = maker.below(slab.length + 1);
    const end = writer.write(Rich, message, slab, offset, 14);
    const ours = writer.slab.subarray(writer.start + 14, end);
    expect(ours.equals(stock), `bytes of seed ${seed + round}`).toBe(true);

    const padded = Buffer.concat([Buffer.alloc(7, 0xff), ours, Buffer.alloc(7, 0xff)]);
    const decoded = reader.read(Rich, padded, 7, padded.length - 7);
    padded.fill(0xee);
    const expected = Rich.decode(new BinaryReader(new Uint8Array(stock)));
    expect(isDeepStrictEqual(decoded, expected), `fields of seed ${seed + round}`).toBe(true);
    expect(Buffer.from(Rich.encode(decoded).finish()).equals(stock), `round trip of seed ${seed + round}`).toBe(true);
  }
});

test("what was written is understood by @bufbuild/protobuf's own messages, and what they write by the reader", () => {
  const writer = new SlabWriter();
  const reader = new FastReader();
  for (let round = 0; round < rounds / 10; round++) {
    const message = new Maker(seed + round).rich(2);
    const end = writer.write(Rich, message, Buffer.alloc(100), 0, 0);
    const theirs = toBinary(richSchema, fromBinary(richSchema, writer.slab.subarray(0, end)));
    expect(reader.read(Rich, theirs, 0, theirs.length)).toEqual(
      Rich.decode(new Uint8Array(writer.slab.subarray(0, end))),
    );
  }
});

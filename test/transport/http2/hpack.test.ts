import { describe, expect, test } from "vitest";
import { CompressionError, HpackDecoder } from "../../../src/transport/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../src/transport/http2/hpack/encoder.ts";
import { huffmanDecode, huffmanEncode, huffmanLength } from "../../../src/transport/http2/hpack/huffman.ts";
import { integerEnd, readInteger, writeInteger } from "../../../src/transport/http2/hpack/integer.ts";
import { randomFrom } from "./random.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

function decodeAll(decoder: HpackDecoder, blocks: readonly string[]): string[][] {
  return blocks.map((block) => {
    const bytes = hex(block);
    return decoder.decode(bytes, 0, bytes.length);
  });
}

const requests = [
  [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"],
  [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com", "cache-control", "no-cache"],
  [
    ":method",
    "GET",
    ":scheme",
    "https",
    ":path",
    "/index.html",
    ":authority",
    "www.example.com",
    "custom-key",
    "custom-value",
  ],
];
const date = "Mon, 21 Oct 2013 20:13:21 GMT";
const later = "Mon, 21 Oct 2013 20:13:22 GMT";
const location = ["location", "https://www.example.com"];
const cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const responses = [
  [":status", "302", "cache-control", "private", "date", date, ...location],
  [":status", "307", "cache-control", "private", "date", date, ...location],
  [
    ":status",
    "200",
    "cache-control",
    "private",
    "date",
    later,
    ...location,
    "content-encoding",
    "gzip",
    "set-cookie",
    cookie,
  ],
];

describe("RFC 7541, appendix C", () => {
  test("C.1: integers", () => {
    for (const [value, bits, bytes] of [
      [10, 5, "0a"],
      [1337, 5, "1f9a0a"],
      [42, 8, "2a"],
    ] as const) {
      const into = Buffer.alloc(6);
      const end = writeInteger(into, 0, 0, bits, value);
      expect(into.subarray(0, end).toString("hex")).toBe(bytes);
      expect(readInteger(into, 0, end, bits)).toBe(value);
      expect(integerEnd).toBe(end);
    }
  });

  test.each([
    [
      "C.2.1: a literal that enters the table",
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      ["custom-key", "custom-header"],
    ],
    ["C.2.2: a literal that does not", "040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"]],
    ["C.2.3: a literal that never may", "1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"]],
    ["C.2.4: an entry", "82", [":method", "GET"]],
  ])("%s", (_what, block, fields) => {
    expect(decodeAll(new HpackDecoder(4096, 65_536), [block])).toEqual([fields]);
  });

  test.each([
    [
      "C.3: requests without Huffman",
      4096,
      requests,
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
    ],
    [
      "C.4: requests with Huffman",
      4096,
      requests,
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    ],
    [
      "C.5: responses without Huffman, with eviction",
      256,
      responses,
      [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e
       1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        "4803 3330 37c1 c0bf",
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d
       4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572
       7369 6f6e 3d31`,
      ],
    ],
    [
      "C.6: responses with Huffman, with eviction",
      256,
      responses,
      [
        `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b
       97c8 e9ae 82ae 43d3`,
        "4883 640e ffc1 c0bf",
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf
       cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
    ],
  ])("%s", (_what, table, lists, blocks) => {
    expect(decodeAll(new HpackDecoder(table, 65_536), blocks)).toEqual(lists);
  });

  test("Huffman codes are those of the appendix", () => {
    for (const [text, code] of [
      ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
      ["no-cache", "a8eb10649cbf"],
      [date, "d07abe941054d444a8200595040b8166e082a62d1bff"],
      [cookie, "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"],
    ] as const) {
      const into = Buffer.alloc(100);
      const end = huffmanEncode(text, into, 0);
      expect(into.subarray(0, end).toString("hex")).toBe(code);
      expect(huffmanLength(text)).toBe(end);
      expect(huffmanDecode(into, 0, end)).toBe(text);
    }
  });
});

test("every text of Latin-1 comes back from its Huffman code", () => {
  const random = randomFrom(1);
  const into = Buffer.alloc(4000);
  for (let i = 0; i < 500; i++) {
    const text = String.fromCharCode(...Array.from({ length: random(200) }, () => random(256)));
    expect(huffmanDecode(into, 0, huffmanEncode(text, into, 0))).toBe(text);
  }
});

test("what one side encodes the other decodes, whatever comes and however the table is resized", () => {
  const random = randomFrom(2);
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096, 1_000_000);
  for (let i = 0; i < 3000; i++) {
    if (random(50) === 0) encoder.setPeerLimit(random(3) === 0 ? 0 : random(5000));
    if (random(50) === 0) encoder.setPeerLimit(random(5000));
    const fields: string[] = [];
    for (let n = random(8); n >= 0; n--) {
      const name = ["content-type", ":path", "grpc-status", "authorization", `x-${random(60)}`][random(5)] as string;
      fields.push(name, "v".repeat(random(10)) + random(1 + random(500)));
    }
    encoder.begin();
    for (let n = 0; n < fields.length; n += 2) encoder.field(fields[n] as string, fields[n + 1] as string);
    expect(decoder.decode(encoder.bytes, 0, encoder.length)).toEqual(fields);
  }
});

test("a table fills up and then stands still", () => {
  const encoder = new HpackEncoder();
  const encode = (i: number): void => {
    encoder.begin();
    encoder.field(":path", `/some.long.Service/Method${i}`);
  };
  for (let i = 0; i < 200; i++) encode(i);
  const { version } = encoder;
  for (let i = 0; i < 400; i++) encode(i);
  expect(encoder.version).toBe(version);
});

test("a value that is secret never enters the table, and is marked so that nothing in between keeps it", () => {
  const encoder = new HpackEncoder();
  const { version } = encoder;
  encoder.begin();
  encoder.field("authorization", "Bearer x");
  expect(encoder.version).toBe(version);
  expect((encoder.bytes[0] as number) & 0xf0).toBe(0x10);
});

test("a list over the limit loses its fields, and the table stays in step", () => {
  const decoder = new HpackDecoder(4096, 100);
  const [first, second] = ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572 be be be", "be"].map(
    hex,
  ) as [Buffer, Buffer];
  expect(decoder.decode(first, 0, first.length)).toHaveLength(2);
  expect(decoder.listBytes).toBe(4 * 55);
  expect(decoder.decode(second, 0, second.length)).toEqual(["custom-key", "custom-header"]);
  expect(decoder.listBytes).toBe(55);
});

test.each(["80", "ff80", "be", "400a63", "4081ff", "3fe21f", "8220", "40 85 ffffffffff 00", "0fffffffffff7f"])(
  "%s is refused",
  (block) => {
    const bytes = hex(block);
    expect(() => new HpackDecoder(4096, 65_536).decode(bytes, 0, bytes.length)).toThrow(CompressionError);
  },
);

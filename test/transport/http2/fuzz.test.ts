import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { expect, test } from "vitest";
import { parseAddress } from "../../../src/core/endpoint.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import {
  collect,
  converse,
  createWorld,
  echo,
  expand,
  payload,
  responses,
  texts,
} from "../../contract/transport/world.ts";
import { randomFrom } from "./random.ts";

// Calls go through a proxy that spoils what passes: it changes, drops, doubles and moves bytes and whole frames.
// `FUZZ_SECONDS=600 FUZZ_SEED=7` runs it longer, or from another seed.
const seconds = Number(process.env.FUZZ_SECONDS ?? 3);
const seed = Number(process.env.FUZZ_SEED ?? 1);

const world = createWorld(() => ({ transport: http2({ handshakeTimeoutMs: 200, stallTimeoutMs: 200 }) }));

type Random = (below: number) => number;

/** Spoils a piece of what one side sends, now and then. */
function spoil(bytes: Buffer, random: Random): Buffer {
  const spoilt = Buffer.from(bytes);
  const at = random(Math.max(1, spoilt.length));
  switch (random(9)) {
    case 0:
      spoilt[at] = random(256);
      return spoilt;
    case 1:
      spoilt[at] = (spoilt[at] as number) ^ (1 << random(8));
      return spoilt;
    case 2:
      return spoilt.subarray(0, at);
    case 3:
      return Buffer.concat([spoilt.subarray(0, at), spoilt.subarray(at + random(20))]);
    case 4:
      return Buffer.concat([spoilt, spoilt]);
    case 5:
      return Buffer.concat([spoilt.subarray(at), spoilt.subarray(0, at)]);
    case 6:
      return Buffer.concat([spoilt.subarray(0, at), randomFrame(random), spoilt.subarray(at)]);
    case 7:
      return Buffer.concat([spoilt, randomFrame(random)]);
    default:
      return spoilt;
  }
}

function randomFrame(random: Random): Buffer {
  const length = random(40);
  const frame = Buffer.alloc(9 + length);
  frame.writeUIntBE(random(20) === 0 ? random(1 << 24) : length, 0, 3);
  frame[3] = random(12);
  frame[4] = random(256);
  frame.writeUInt32BE(random(3) === 0 ? random(0x7fffffff) : random(9), 5);
  for (let i = 9; i < frame.length; i++) frame[i] = random(256);
  return frame;
}

async function spoilingProxy(address: string, random: Random): Promise<{ address: string; close(): void }> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = dial(parseAddress(address));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.on("data", (bytes) => to.write(random(4) === 0 ? spoil(bytes, random) : bytes));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  return {
    address: `127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

async function* messages(count: number) {
  for (let i = 0; i < count; i++) yield payload("m", i * 50);
}

test(
  `whatever comes over the wire, calls end and the server serves on (${seconds} s, seed ${seed})`,
  async () => {
    const random = randomFrom(seed);
    const here = world();
    const listener = await here.serve();
    const outcomes = { fine: 0, failed: 0 };
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      const proxy = await spoilingProxy(listener.address, random);
      const peer = here.dial(proxy.address, { connectTimeoutMs: 300 });
      const deadline = performance.now() + 500;
      const calls = [
        echo(peer, payload("hello", random(1000)), { deadline }),
        echo(peer, payload("hello", 100_000), { deadline }),
        expand(peer, { count: 20, size: random(5000) }, { deadline })
          .then(responses)
          .then(texts),
        collect(peer, messages(10), { deadline }),
        converse(peer, messages(10), { deadline }).then(responses).then(texts),
      ];
      for (const { status } of await Promise.allSettled(calls)) outcomes[status === "fulfilled" ? "fine" : "failed"]++;
      proxy.close();
      await peer.close();
    }
    expect(outcomes.failed).toBeGreaterThan(0);
    expect(outcomes.fine).toBeGreaterThan(0);
    const peer = here.dial(listener.address);
    expect((await echo(peer)).response).toEqual(payload("hello"));
    await expect.poll(() => listener.inflight).toBe(0);
  },
  seconds * 1000 + 20_000,
);

import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import { Call } from "../../../src/core/call.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { createWorld, echo, responses } from "../../contract/transport/world.ts";
import { authority, serverTls } from "../../support/certs.ts";
import { randomFrom } from "./random.ts";

const plaintext = createWorld(() => ({ transport: http2() }));
const overTls = createWorld(() => ({
  transport: http2(),
  listen: { tls: serverTls },
  connect: { tls: { ca: authority } },
}));
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1e6);

/** Mostly a few bytes, so that frames of different kinds are often of one length; seldom more than a window. */
function sizeOf(random: (below: number) => number): number {
  const kind = random(40);
  if (kind === 0) return random(400_000);
  return kind < 4 ? random(20_000) : random(30);
}

test.each([
  ["in plaintext", plaintext],
  ["over TLS", overTls],
])(`streams and calls that cross on one connection %s arrive whole, in order (FUZZ_SEED=${seed})`, async (_, world) => {
  const { peer } = await world().pair();
  const random = randomFrom(seed);
  let made = 0;
  const message = (): Payload => {
    const text = `${made++}`;
    return { text, data: Buffer.alloc(sizeOf(random), text) };
  };

  async function converse(count: number): Promise<void> {
    const sent: Payload[] = [];
    async function* talk() {
      for (let i = 0; i < count; i++) {
        const next = message();
        sent.push(next);
        yield next;
        for (let turns = random(3); turns > 0; turns--) await turn();
      }
    }
    const reply = await peer.handle(new Call({ method: Probe.methods.converse, request: talk() }));
    let at = 0;
    for await (const got of responses(reply)) same(got, sent[at++] as Payload);
    expect(at).toBe(count);
  }

  async function call(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const next = message();
      const metadata = random(2) === 0 ? Metadata.EMPTY : Metadata.from({ [`k${random(30)}`]: "v".repeat(random(40)) });
      const { response } = await echo(peer, next, { metadata });
      same(response as Payload, next);
      if (random(3) === 0) await turn();
    }
  }

  await Promise.all([
    ...Array.from({ length: 12 }, () => converse(100)),
    ...Array.from({ length: 12 }, () => call(100)),
  ]);
});

function same(got: Payload, sent: Payload): void {
  if (got.text === sent.text && Buffer.compare(got.data, sent.data) === 0) return;
  expect.fail(`message ${sent.text} of ${sent.data.length} bytes came as ${got.text} of ${got.data.length}`);
}

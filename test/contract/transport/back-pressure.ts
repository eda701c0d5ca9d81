import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import type { Peer } from "../../../src/core/transport.ts";
import { collect, converse, echo, event, expand, payload, reply, requests, responses, type World } from "./world.ts";

const messageBytes = 16 * 1024;
/** More than any wire may hold on its way: 24 MiB. */
const many = 1536;
/** What a wire may hold on its way in one direction, windows and buffers of both sides counted: 8 MiB. */
const ahead = 512;

/** Whoever reads slowly slows the other side down. */
export function backPressure(world: () => World): void {
  test("a server stream does not run ahead of its reader", async () => {
    let produced = 0;
    const { peer } = await world().pair({
      expand: () =>
        reply(
          (async function* () {
            for (; produced < many; produced += 1) yield payload("", messageBytes);
          })(),
        ),
    });
    const stream = responses(await expand(peer));
    await stream.next();
    await settled(peer, () => produced);
    expect(produced).toBeLessThan(ahead);
    let read = 1;
    for await (const _ of stream) read += 1;
    expect(read).toBe(many);
  });

  test("a client stream does not run ahead of its handler", async () => {
    const go = event();
    const began = event();
    let read = 0;
    const { peer } = await world().pair({
      async collect(call) {
        const stream = requests(call)[Symbol.asyncIterator]();
        await stream.next();
        began.happen();
        await go.happened;
        read = 1;
        while (!(await stream.next()).done) read += 1;
        return reply({ count: read, bytes: 0n });
      },
    });
    let produced = 0;
    async function* messages(): AsyncGenerator<Payload> {
      for (; produced < many; produced += 1) yield payload("", messageBytes);
    }
    const answer = collect(peer, messages());
    await began.happened;
    await settled(peer, () => produced);
    expect(produced).toBeLessThan(ahead);
    go.happen();
    expect((await answer).response).toEqual({ count: many, bytes: 0n });
  });

  test("small messages do not run ahead without an end either", async () => {
    let produced = 0;
    const { peer } = await world().pair({
      expand: () =>
        reply(
          (async function* () {
            for (;;) {
              produced += 1;
              yield payload("", 100);
            }
          })(),
        ),
    });
    const stream = responses(await expand(peer));
    await stream.next();
    await settled(peer, () => produced);
    const before = produced;
    await settled(peer, () => produced);
    expect(produced).toBe(before);
    await stream.return?.();
  });

  test("a conversation whose answers nobody reads comes to rest", async () => {
    let sent = 0;
    const { peer } = await world().pair();
    async function* messages(): AsyncGenerator<Payload> {
      for (;;) {
        sent += 1;
        yield payload("", messageBytes);
      }
    }
    const stream = responses(await converse(peer, messages()));
    await settled(peer, () => sent);
    expect(sent).toBeLessThan(2 * ahead);
    await stream.return?.();
  });

  test("a stream that nobody reads does not hold up other calls on the connection", async () => {
    const { peer } = await world().pair();
    const stream = responses(await expand(peer, { count: many, size: messageBytes }));
    for (let i = 0; i < 20; i += 1) await echo(peer);
    await stream.return?.();
  });
}

/** Waits until a count stands still while twenty calls go to and fro on the same connection. */
async function settled(peer: Peer, count: () => number): Promise<void> {
  for (let before = -1; before !== count(); ) {
    before = count();
    for (let i = 0; i < 20; i += 1) await echo(peer);
  }
}

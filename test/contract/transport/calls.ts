import { expect, test } from "vitest";
import type { CollectReply, Payload } from "../../../gen/probe/v1/probe.ts";
import type { Reply } from "../../../src/core/call.ts";
import { Code } from "../../../src/core/code.ts";
import { RpcError } from "../../../src/core/rpc-error.ts";
import { query } from "../../support/query.ts";
import {
  collect,
  converse,
  echo,
  event,
  expand,
  failure,
  payload,
  reply,
  requests,
  responses,
  texts,
  type World,
} from "./world.ts";

/** The four shapes of a call. */
export function calls(world: () => World): void {
  test("a unary call is answered with the handler's message", async () => {
    const { peer } = await world().pair();
    const message = { text: "grüße 👋", data: Uint8Array.from([0, 1, 254, 255]) };
    expect((await echo(peer, message)).response).toEqual(message);
  });

  test("an empty message goes both ways", async () => {
    const { peer } = await world().pair();
    expect((await echo(peer, payload())).response).toEqual(payload());
  });

  test("a handler may answer with a promise", async () => {
    const { peer } = await world().pair({ echo: async (call) => reply(call.request) });
    expect((await echo(peer, payload("later"))).response).toEqual(payload("later"));
  });

  test("a handler may answer with whatever has a then", async () => {
    const { peer } = await world().pair({
      echo: (call) => query(() => reply(call.request)) as Promise<Reply>,
      expand: () => query(() => reply([payload("1"), payload("2")])) as Promise<Reply>,
      collect: () => query(() => Promise.reject(new RpcError(Code.NOT_FOUND, "no row"))) as Promise<Reply>,
    });
    expect((await echo(peer, payload("later"))).response).toEqual(payload("later"));
    expect(await texts(responses(await expand(peer)))).toEqual(["1", "2"]);
    expect(await failure(collect(peer, (async function* () {})()))).toMatchObject({ code: Code.NOT_FOUND });
  });

  test("messages may come as promises, or from an iterator whose steps are no Promises", async () => {
    const { peer } = await world().pair({
      expand: () => reply([Promise.resolve(payload("1")), query(() => payload("2"))]),
    });
    expect(await texts(responses(await expand(peer)))).toEqual(["1", "2"]);
    const left = [payload("a", 1), payload("b", 2)];
    const steps = { next: () => query(() => ({ done: left.length === 0, value: left.shift() })) };
    const unusual = { [Symbol.asyncIterator]: () => steps } as unknown as AsyncIterable<Payload>;
    expect((await collect(peer, unusual)).response).toEqual({ count: 2, bytes: 3n });
  });

  test("a server stream arrives in order and ends", async () => {
    const { peer } = await world().pair();
    const stream = responses(await expand(peer, { count: 200, size: 10 }));
    expect(await texts(stream)).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
    expect((await stream.next()).done).toBe(true);
  });

  test("a server stream without messages opens with its end", async () => {
    const { peer } = await world().pair();
    expect(await texts(responses(await expand(peer, { count: 0 })))).toEqual([]);
  });

  test("a reply that streams stands with its first message, while the rest is still to come", async () => {
    const more = event();
    const { peer } = await world().pair({
      expand: () =>
        reply(
          (async function* () {
            yield payload("first");
            await more.happened;
            yield payload("second");
          })(),
        ),
    });
    const stream = responses(await expand(peer));
    expect((await stream.next()).value).toEqual(payload("first"));
    more.happen();
    expect(await texts(stream)).toEqual(["second"]);
  });

  test("a client stream reaches the handler in order, and is answered with one message", async () => {
    const seen: string[] = [];
    const { peer } = await world().pair({
      async collect(call) {
        for await (const { text } of requests(call)) seen.push(text);
        return reply({ count: seen.length, bytes: 0n } satisfies CollectReply);
      },
    });
    const { response } = await collect(peer, counting(100));
    expect(response).toEqual({ count: 100, bytes: 0n });
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  });

  test("a client stream without messages is one", async () => {
    const { peer } = await world().pair();
    expect((await collect(peer, counting(0))).response).toEqual({ count: 0, bytes: 0n });
  });

  test("a handler may answer a client stream before it has read any of it", async () => {
    const { peer } = await world().pair({ collect: () => reply({ count: 7, bytes: 7n }) });
    const { response } = await collect(peer, counting(3));
    expect(response).toEqual({ count: 7, bytes: 7n });
  });

  test("a client stream that never ends is let go when the server has answered", async () => {
    const { peer } = await world().pair({
      async collect(call) {
        for await (const _ of requests(call)) break;
        return reply({ count: 1, bytes: 0n });
      },
    });
    const released = event();
    async function* endless(): AsyncGenerator<Payload> {
      try {
        for (;;) yield payload("again", 100);
      } finally {
        released.happen();
      }
    }
    expect((await collect(peer, endless())).response).toEqual({ count: 1, bytes: 0n });
    await released.happened;
  });

  test("both sides of a conversation answer one another", async () => {
    const { peer } = await world().pair();
    let answered = event<string>();
    async function* asking(): AsyncGenerator<Payload> {
      for (const text of ["one", "two", "three"]) {
        answered = event();
        yield payload(text);
        expect(await answered.happened).toBe(text);
      }
    }
    const seen: string[] = [];
    for await (const { text } of responses(await converse(peer, asking()))) {
      answered.happen(text);
      seen.push(text);
    }
    expect(seen).toEqual(["one", "two", "three"]);
  });

  test("a server may end a conversation first", async () => {
    const { peer } = await world().pair({
      converse: () =>
        reply(
          (async function* () {
            yield payload("enough");
          })(),
        ),
    });
    const released = event();
    async function* waiting(): AsyncGenerator<Payload> {
      try {
        for (;;) yield payload("and");
      } finally {
        released.happen();
      }
    }
    expect(await texts(responses(await converse(peer, waiting())))).toEqual(["enough"]);
    await released.happened;
  });

  test("a client may end its half of a conversation first", async () => {
    const { peer } = await world().pair({
      converse: (call) =>
        reply(
          (async function* () {
            const all = await texts(requests(call));
            yield payload(all.join());
          })(),
        ),
    });
    expect(await texts(responses(await converse(peer, counting(3))))).toEqual(["0,1,2"]);
  });

  test("five hundred calls at once are answered each with its own message", async () => {
    const { peer, listener } = await world().pair();
    const all = await Promise.all(Array.from({ length: 500 }, (_, i) => echo(peer, payload(`${i}`))));
    expect(all.map(({ response }) => (response as Payload).text)).toEqual(all.map((_, i) => `${i}`));
    expect(peer.inflight).toBe(0);
    expect(listener.inflight).toBe(0);
  });

  test("streams of all shapes run side by side on one connection", async () => {
    const { peer } = await world().pair();
    const rounds = Array.from({ length: 20 }, async (_, i) => {
      const [expanded, collected, conversed] = await Promise.all([
        expand(peer, { count: i }).then(responses).then(texts),
        collect(peer, counting(i)),
        converse(peer, counting(i)).then(responses).then(texts),
      ]);
      expect(expanded).toHaveLength(i);
      expect((collected.response as CollectReply).count).toBe(i);
      expect(conversed).toHaveLength(i);
    });
    await Promise.all(rounds);
  });

  test("a message of five megabytes passes where the limits allow", async () => {
    const raised = { maxReceiveMessageBytes: 8 * 1024 * 1024 };
    const { peer } = await world().pair({}, { listen: raised, connect: raised });
    const data = new Uint8Array(5 * 1024 * 1024);
    for (let i = 0; i < data.length; i += 4096) data[i] = i / 4096;
    const { response } = await echo(peer, { text: "large", data });
    expect(Buffer.compare((response as Payload).data, data)).toBe(0);
  });

  test("a handler that reads no further gets nothing more, and may still answer", async () => {
    const returned = event();
    const later = event();
    const { peer } = await world().pair({
      async collect(one) {
        const stream = requests(one)[Symbol.asyncIterator]();
        expect((await stream.next()).value).toEqual(payload("0"));
        await stream.return?.();
        expect(await stream.next()).toEqual({ done: true, value: undefined });
        returned.happen();
        await later.happened;
        expect(await stream.next()).toEqual({ done: true, value: undefined });
        return reply({ count: 1, bytes: 0n });
      },
    });
    async function* upload(): AsyncGenerator<Payload> {
      yield payload("0");
      // Larger than a first window, so that it stands half read when the reader goes.
      for (let i = 1; ; i++) yield payload(`${i}`, 1_000_000);
    }
    const answer = collect(peer, upload());
    await returned.happened;
    // What is sent meanwhile comes meanwhile.
    for (let i = 0; i < 20; i++) await echo(peer, payload("", 10_000));
    later.happen();
    expect((await answer).response).toEqual({ count: 1, bytes: 0n });
  });
}

/** Payloads numbered from 0. */
async function* counting(count: number): AsyncGenerator<Payload> {
  for (let i = 0; i < count; i += 1) yield payload(`${i}`);
}

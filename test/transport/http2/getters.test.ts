import { expect, test } from "vitest";
import { Code } from "../../../src/core/code.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { cancelled, createWorld, echo, event, failure, payload, reply } from "../../contract/transport/world.ts";

const world = createWorld(() => ({ transport: http2() }));

/** A message whose text is read by encoding it, and does something then. */
function message(text: string, read: () => void) {
  return {
    data: new Uint8Array(),
    get text() {
      read();
      return text;
    },
  };
}

test("a getter that cancels another call while its message is encoded spoils neither", async () => {
  const here = world();
  let ended = event();
  const { peer } = await here.pair({
    async echo(call) {
      if ((call.request as { text: string }).text === "wait") {
        await failure(cancelled(call));
        ended.happen();
      }
      return reply(call.request);
    },
  });
  await echo(peer);
  for (let i = 0; i < 20; i++) {
    const controller = new AbortController();
    const other = failure(echo(peer, payload("wait"), { cancellation: controller.signal }));
    // Several at once, of which the messages of one turn would join in one write.
    const texts = ["a", `getter ${i}`, "b"];
    const calls = texts.map((text) =>
      echo(
        peer,
        message(text, () => controller.abort()),
      ),
    );
    expect((await other).code).toBe(Code.CANCELLED);
    await ended.happened;
    ended = event();
    expect((await Promise.all(calls)).map(({ response }) => response)).toEqual(texts.map((text) => payload(text)));
  }
  expect(peer.inflight).toBe(0);
});

test("a getter that cancels its own call leaves the connection as it was", async () => {
  const { peer } = await world().pair();
  await echo(peer);
  const controller = new AbortController();
  const own = failure(
    echo(
      peer,
      message("own", () => controller.abort()),
      { cancellation: controller.signal },
    ),
  );
  const beside = echo(peer, payload("beside"));
  expect((await own).code).toBe(Code.CANCELLED);
  expect((await beside).response).toEqual(payload("beside"));
  expect(peer.ready).toBe(true);
});

test("a getter that cancels its own call, and makes one to another server, spoils neither connection", async () => {
  const here = world();
  const { peer } = await here.pair();
  const { peer: other } = await here.pair();
  await Promise.all([echo(peer), echo(other)]);
  const elsewhere = payload("elsewhere ".repeat(30));
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController();
    const made: Promise<unknown>[] = [];
    const own = message("own ".repeat(80), () => {
      if (made.length > 0) return;
      controller.abort();
      made.push(echo(other, elsewhere).then(({ response }) => response));
    });
    expect((await failure(echo(peer, own, { cancellation: controller.signal }))).code).toBe(Code.CANCELLED);
    expect(await made[0]).toEqual(elsewhere);
    expect((await echo(peer)).response).toEqual(payload("hello"));
  }
});

test("a getter that makes many other calls spoils nothing", async () => {
  const { peer } = await world().pair();
  await echo(peer);
  const inner: Promise<unknown>[] = [];
  let read = false;
  const outer = echo(
    peer,
    message("outer", () => {
      if (read) return;
      read = true;
      for (let i = 0; i < 200; i++) inner.push(echo(peer, payload(`${i}`)).catch((error) => error));
    }),
  );
  expect((await outer).response).toEqual(payload("outer"));
  await Promise.all(inner);
  expect(inner).toHaveLength(200);
  expect((await echo(peer)).response).toEqual(payload("hello"));
  expect(peer).toMatchObject({ ready: true, inflight: 0 });
});

test("a getter of a reply that cancels the call it answers harms no other", async () => {
  const here = world();
  const controller = new AbortController();
  const { peer } = await here.pair({
    echo: (call) => reply(message((call.request as { text: string }).text, () => controller.abort())),
  });
  const own = echo(peer, payload("own"), { cancellation: controller.signal });
  const beside = echo(peer, payload("beside"));
  await own.catch(() => {});
  expect((await beside).response).toEqual(payload("beside"));
});

test("a getter that throws leaves the connection as it was", async () => {
  const { peer } = await world().pair();
  await echo(peer);
  const thrown = message("never", () => {
    throw new Error("no text today");
  });
  for (let i = 0; i < 3; i++) await failure(echo(peer, thrown));
  expect((await echo(peer)).response).toEqual(payload("hello"));
  expect(peer.ready).toBe(true);
});

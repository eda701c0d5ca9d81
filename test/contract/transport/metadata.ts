import { expect, test } from "vitest";
import type { Caller } from "../../../src/core/call.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { type Abilities, echo, event, expand, payload, reply, responses, texts, type World } from "./world.ts";

/** gRPC's metadata, in every place where it can stand. */
export function metadata(world: () => World, { separateTextValues }: Abilities): void {
  test("what a caller sends reaches the handler", async () => {
    const seen = event<Metadata>();
    const { peer } = await world().pair({
      echo(call) {
        seen.happen(call.metadata);
        return reply(call.request);
      },
    });
    await echo(peer, payload(), { metadata: Metadata.from({ tenant: "acme", "trace-bin": Uint8Array.of(1, 2, 0) }) });
    const received = await seen.happened;
    expect(received.get("tenant")).toBe("acme");
    expect(received.getBytes("trace-bin")).toEqual(Uint8Array.of(1, 2, 0));
  });

  test("header and trailer of a unary reply reach the caller, each in its place", async () => {
    const { peer } = await world().pair({
      echo: (call) => reply(call.request, Metadata.from({ first: "1" }), Metadata.from({ last: "2" })),
    });
    const { header, trailer } = await echo(peer);
    expect(header.toJSON()).toEqual({ first: ["1"] });
    expect(trailer.toJSON()).toEqual({ last: ["2"] });
  });

  test("the header of a stream stands with the reply, its trailer once it has ended", async () => {
    const { peer } = await world().pair({
      expand: () =>
        reply(
          (async function* () {
            yield payload("only");
          })(),
          Metadata.from({ first: "1" }),
          Metadata.from({ last: "2" }),
        ),
    });
    const answer = await expand(peer);
    expect(answer.header.toJSON()).toEqual({ first: ["1"] });
    await texts(responses(answer));
    expect(answer.trailer.toJSON()).toEqual({ last: ["2"] });
  });

  test("a handler may set the trailer of a stream while it streams", async () => {
    const { peer } = await world().pair({
      expand() {
        const late = { response: undefined as unknown, header: Metadata.EMPTY, trailer: Metadata.EMPTY };
        late.response = (async function* () {
          yield payload("only");
          late.trailer = Metadata.from({ rows: "1" });
        })();
        return late;
      },
    });
    const answer = await expand(peer);
    await texts(responses(answer));
    expect(answer.trailer.get("rows")).toBe("1");
  });

  test("a stream without messages has its header and its trailer", async () => {
    const { peer } = await world().pair({
      expand: () => reply((async function* () {})(), Metadata.from({ first: "1" }), Metadata.from({ last: "2" })),
    });
    const answer = await expand(peer);
    await texts(responses(answer));
    expect(answer.header.get("first")).toBe("1");
    expect(answer.trailer.get("last")).toBe("2");
  });

  test("several values of a binary key stay apart, of any bytes", async () => {
    const values = [Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(0), Uint8Array.of(44, 32)];
    const { peer } = await world().pair({ echo: (call) => reply(call.request, call.metadata.without("user-agent")) });
    const { header } = await echo(peer, payload(), { metadata: Metadata.from({ "x-bin": values }) });
    expect(header.getAll("x-bin")).toEqual(values);
  });

  if (separateTextValues) {
    test("several values of a text key stay apart, in order", async () => {
      const { peer } = await world().pair({ echo: (call) => reply(call.request, call.metadata) });
      const { header } = await echo(peer, payload(), { metadata: Metadata.from({ x: ["1, 2", "3"], y: ["", "a"] }) });
      expect(header.getAll("x")).toEqual(["1, 2", "3"]);
      expect(header.getAll("y")).toEqual(["", "a"]);
    });
  } else {
    test("several values of a text key arrive in order, joined by a comma", async () => {
      const { peer } = await world().pair({ echo: (call) => reply(call.request, call.metadata) });
      const { header } = await echo(peer, payload(), { metadata: Metadata.from({ x: ["1", "2", "3"] }) });
      expect(header.get("x")).toBe("1, 2, 3");
    });
  }

  test("text keeps every printable character", async () => {
    const all = Array.from({ length: 0x7e - 0x20 }, (_, i) => String.fromCharCode(0x21 + i)).join("");
    const { peer } = await world().pair({ echo: (call) => reply(call.request, call.metadata) });
    const { header } = await echo(peer, payload(), { metadata: Metadata.from({ all }) });
    expect(header.get("all")).toBe(all);
  });

  test("neither side sees the headers that the wire itself needs", async () => {
    const seen = event<Metadata>();
    const { peer } = await world().pair({
      echo(call) {
        seen.happen(call.metadata);
        return reply(call.request);
      },
    });
    const { header, trailer } = await echo(peer, payload(), { deadline: performance.now() + 60_000 });
    expect(Object.keys((await seen.happened).without("user-agent").toJSON())).toEqual([]);
    expect(header.size + trailer.size).toBe(0);
  });

  test("a handler sees who calls", async () => {
    const seen = event<Caller | undefined>();
    const { peer } = await world().pair({
      echo(call) {
        seen.happen(call.caller);
        return reply(call.request);
      },
    });
    await echo(peer);
    expect((await seen.happened)?.address).toMatch(/^\S+:\d+$/);
  });
}

import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import type { Compression } from "../../../src/core/transport.ts";
import {
  type Abilities,
  type Answer,
  collect,
  echo,
  expand,
  failure,
  payload,
  reply,
  requests,
  responses,
  texts,
  type World,
} from "./world.ts";

/** Compression of each message, where both sides know it. */
export function compression(world: () => World, { compressedReplies }: Abilities): void {
  for (const kind of ["gzip", "deflate"] satisfies Compression[]) {
    test(`${kind} requests arrive whole`, async () => {
      const { peer } = await world().pair({}, { connect: { compression: kind } });
      const message = payload("text ".repeat(1000), 100_000);
      expect((await echo(peer, message)).response).toEqual(message);
      expect((await echo(peer, payload())).response).toEqual(payload());
      expect((await collect(peer, three())).response).toEqual({ count: 3, bytes: 6000n });
    });

    test(`a ${kind} request is held to the limit by its size when it is unpacked`, async () => {
      const options = { listen: { maxReceiveMessageBytes: 10_000 }, connect: { compression: kind } };
      const { peer } = await world().pair({}, options);
      const { code, message } = await failure(echo(peer, payload("", 1_000_000)));
      expect({ code, message }).toEqual({ code: Code.RESOURCE_EXHAUSTED, message: inflated("request", "server") });
      expect((await echo(peer, payload("", 5000))).response).toEqual(payload("", 5000));
    });

    if (!compressedReplies) continue;
    test(`a ${kind} answer that comes before the end of the requests arrives whole`, async () => {
      const compressed = { compression: kind };
      const early: Answer = async (one) => {
        for await (const _ of requests(one)) return reply({ count: 1, bytes: 7n });
        throw new Error("no request");
      };
      const { peer } = await world().pair({ collect: early }, { listen: compressed, connect: compressed });
      const all = Array.from({ length: 50 }, () => collect(peer, endless()));
      for (const { response } of await Promise.all(all)) expect(response).toEqual({ count: 1, bytes: 7n });
    });

    test(`${kind} replies arrive whole`, async () => {
      const { peer } = await world().pair({}, { listen: { compression: kind } });
      const message = payload("text ".repeat(1000), 100_000);
      expect((await echo(peer, message)).response).toEqual(message);
      expect(await texts(responses(await expand(peer, { count: 3, size: 1000 })))).toEqual(["0", "1", "2"]);
    });

    test(`a ${kind} reply is held to the limit by its size when it is unpacked`, async () => {
      const options = { listen: { compression: kind }, connect: { maxReceiveMessageBytes: 10_000 } };
      const { peer } = await world().pair({}, options);
      const { code, message } = await failure(echo(peer, payload("", 1_000_000)));
      expect({ code, message }).toEqual({ code: Code.RESOURCE_EXHAUSTED, message: inflated("reply", "client") });
      expect((await echo(peer, payload("", 5000))).response).toEqual(payload("", 5000));
    });
  }
}

function inflated(what: string, whose: string): string {
  const limit = `the limit is 10000, the ${whose}'s maxReceiveMessageBytes`;
  return `the ${what} of /probe.v1.Probe/Echo has more than 10000 bytes once it is decompressed; ${limit}`;
}

async function* three(): AsyncGenerator<Payload> {
  for (let i = 0; i < 3; i += 1) yield payload("", 2000);
}

async function* endless(): AsyncGenerator<Payload> {
  for (;;) yield payload("again", 100);
}

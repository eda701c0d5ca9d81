import { AsyncLocalStorage } from "node:async_hooks";
import { createChannel, createClient, createServer, type Interceptor } from "trunkline";
import { describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greeterPair, greetings } from "../support/greeter.ts";
import { wires } from "../support/wires.ts";

const user = new AsyncLocalStorage<string>();

/** Names that note in whose context they are asked for. */
async function* names(seen: unknown[]) {
  for (let i = 0; i < 3; i++) {
    seen.push(user.getStore());
    yield { name: "Ada" };
    await new Promise(setImmediate);
  }
  seen.push(user.getStore());
}

describe.each(wires)("over %s", (_name, wire) => {
  test("the requests of a call that waited for its connection are asked for in its caller's context", async () => {
    const transport = wire();
    const server = createServer({ transport, drain: { timeoutMs: 0 } }).add(Greeter, greetings);
    const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")], transport });
    const greeter = createClient(Greeter, channel);
    const seen: Record<string, unknown[]> = { Ada: [], Bob: [] };
    const calls = ["Ada", "Bob"].map((who) =>
      user.run(who, async () => {
        for await (const _ of greeter.chat(names(seen[who] as unknown[])));
        seen[who]?.push(user.getStore());
      }),
    );
    await Promise.all(calls);
    for (const who of ["Ada", "Bob"]) expect(new Set(seen[who])).toEqual(new Set([who]));
    await channel.close();
    await server.close();
  });

  test("so are those of a call that waited for a free stream, and its attempts' interceptors too", async () => {
    const transport = wire();
    const attempts: unknown[] = [];
    const note: Interceptor = (next) => (call) => {
      attempts.push(user.getStore());
      return next(call);
    };
    await using pair = await greeterPair({
      server: { transport, maxConcurrentStreams: 1 },
      channel: { transport, attemptInterceptors: [note] },
    });
    const seen: Record<string, unknown[]> = { Ada: [], Bob: [], Eve: [] };
    const whos = Object.keys(seen);
    await Promise.all(
      whos.map((who) =>
        user.run(who, async () => {
          for await (const _ of pair.greeter.chat(names(seen[who] as unknown[])));
          seen[who]?.push(user.getStore());
        }),
      ),
    );
    for (const who of whos) expect(new Set(seen[who])).toEqual(new Set([who]));
    expect(new Set(attempts)).toEqual(new Set(whos));
  });
});

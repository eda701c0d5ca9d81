import { expect, test } from "vitest";
import { http2 } from "../../../src/transport/http2/index.ts";
import { createWorld } from "../../contract/transport/world.ts";
import { createProxy } from "../../support/proxy.ts";

const world = createWorld(() => ({ transport: http2() }));

test("an idle peer that has fallen silent is found when it is asked for a sign of life", async () => {
  const here = world();
  const { address } = await here.serve();
  const proxy = await createProxy(address);
  here.after(() => proxy.close());
  const states: string[] = [];
  const ready = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  const peer = here.dial(proxy.address, {
    keepaliveTimeoutMs: 40,
    changed: () => {
      states.push(peer.state);
      if (peer.state !== "silent") (peer.ready ? ready : lost).resolve();
    },
  });
  await ready.promise;
  proxy.drop();
  peer.probe?.();
  await lost.promise;
  // A late timer may find it dead at once.
  expect(states.filter((state) => state !== "silent")).toEqual(["ready", "connecting"]);
});

import { describe } from "vitest";
import type { Transport } from "../../src/core/transport.ts";
import { mistakes } from "./channel/mistakes.ts";
import { createWorld } from "./channel/world.ts";

/** What a channel and a server must do over every wire. `make` is called for each test. */
export function channelContract(name: string, make: () => Transport): void {
  describe(name, () => {
    const world = createWorld(make);
    describe("a caller's own mistake", () => mistakes(world));
  });
}

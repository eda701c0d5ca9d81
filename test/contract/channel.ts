import { describe } from "vitest";
import type { Transport } from "../../src/core/transport.ts";
import { callSites } from "./channel/call-sites.ts";
import { chains } from "./channel/chains.ts";
import { explained } from "./channel/explained.ts";
import { facts } from "./channel/facts.ts";
import { interceptors } from "./channel/interceptors.ts";
import { life } from "./channel/life.ts";
import { mistakes } from "./channel/mistakes.ts";
import { recycled } from "./channel/recycled.ts";
import { sources } from "./channel/sources.ts";
import { twice } from "./channel/twice.ts";
import { waits } from "./channel/waiting.ts";
import { where } from "./channel/where.ts";
import { createWorld } from "./channel/world.ts";

/** What a channel and a server must do over every wire. `make` is called for each test. */
export function channelContract(name: string, make: () => Transport): void {
  describe(name, () => {
    const world = createWorld(make);
    describe("what observers are told", () => facts(world));
    describe("the record of a call", () => explained(world));
    describe("a call's life", () => life(world));
    describe("the source of requests", () => sources(world));
    describe("a second next", () => twice(world));
    describe("a chain of services", () => chains(world));
    describe("a recycled address", () => recycled(world));
    describe("interceptors that do not do as they should", () => interceptors(world));
    describe("waiting", () => waits(world));
    describe("a caller's own mistake", () => mistakes(world));
    describe("where interceptors stand", () => where(world));
    describe("the stack of an error", () => callSites(world));
  });
}

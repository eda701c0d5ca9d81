import { describe } from "vitest";
import { aging } from "./transport/aging.ts";
import { backPressure } from "./transport/back-pressure.ts";
import { calls } from "./transport/calls.ts";
import { cancellation } from "./transport/cancellation.ts";
import { compression } from "./transport/compression.ts";
import { connections } from "./transport/connections.ts";
import { deadlines } from "./transport/deadlines.ts";
import { end } from "./transport/end.ts";
import { errors } from "./transport/errors.ts";
import { limits } from "./transport/limits.ts";
import { metadata } from "./transport/metadata.ts";
import { replacing } from "./transport/replacing.ts";
import { rotation } from "./transport/rotation.ts";
import { shutdown } from "./transport/shutdown.ts";
import { tls } from "./transport/tls.ts";
import { type Abilities, createWorld, type Wire } from "./transport/world.ts";

export type { Abilities, Wire } from "./transport/world.ts";

/** What every wire must do. `make` is called for each test, and makes a fresh wire. */
export function transportContract(name: string, make: () => Wire, abilities: Abilities): void {
  describe(name, () => {
    const world = createWorld(make);
    describe("calls", () => calls(world));
    describe("metadata", () => metadata(world, abilities));
    describe("errors", () => errors(world, abilities));
    describe("the end", () => end(world));
    describe("deadlines", () => deadlines(world, abilities));
    describe("cancellation", () => cancellation(world, abilities));
    describe("back-pressure", () => backPressure(world));
    describe("limits", () => limits(world, abilities));
    describe("connections", () => connections(world, abilities));
    describe("shutdown", () => shutdown(world));
    // The servers of this one know no TLS; it is what comes without it that has abilities.tls.
    if (abilities.tls) describe("replacing connections", () => replacing(world));
    if (abilities.sockets) describe("aging", () => aging(world));
    if (abilities.tls) describe("TLS", () => tls(world));
    if (abilities.tls) describe("certificates that change", () => rotation(world));
    if (abilities.compressedRequests) describe("compression", () => compression(world, abilities));
  });
}

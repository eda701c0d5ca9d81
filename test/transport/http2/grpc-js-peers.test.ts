import { describe, expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import { now } from "../../../src/core/deadline.ts";
import type { Transport } from "../../../src/core/transport.ts";
import { grpcJs } from "../../../src/transport/grpc-js/index.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { backPressure } from "../../contract/transport/back-pressure.ts";
import { calls } from "../../contract/transport/calls.ts";
import { cancellation } from "../../contract/transport/cancellation.ts";
import { compression } from "../../contract/transport/compression.ts";
import { connections } from "../../contract/transport/connections.ts";
import { metadata } from "../../contract/transport/metadata.ts";
import { shutdown } from "../../contract/transport/shutdown.ts";
import { createWorld, echo, payload } from "../../contract/transport/world.ts";
import { type Abilities, transportContract, type Wire } from "../../contract/transport.ts";
import { authority, serverTls } from "../../support/certs.ts";

const abilities: Abilities = {
  sockets: true,
  tls: false,
  compressedRequests: true,
  compressedReplies: true,
  separateTextValues: false,
  messagesBeforeErrors: false,
};

/** Our own wire at one end and grpc-js at the other. */
function mixed(client: Transport, server: Transport): Transport {
  return {
    name: `${client.name} to ${server.name}`,
    connect: (endpoint, options) => client.connect(endpoint, options),
    listen: (address, acceptor, options) => server.listen(address, acceptor, options),
  };
}

const toOurs = (): Transport => mixed(grpcJs(), http2());
const toTheirs = (): Transport => mixed(http2(), grpcJs());
const tls = { listen: { tls: serverTls }, connect: { tls: { ca: authority } } };

const theirs = { ...abilities, compressedReplies: false };
transportContract("our client of a grpc-js server", () => ({ transport: toTheirs() }), theirs);
transportContract("our client of a grpc-js server over TLS", () => ({ transport: toTheirs(), ...tls }), theirs);

// Not the whole contract: some of its tests leave a stream unread, and a grpc-js client then waits for its reader for
// ever where the server has ended the connection in peace.
describe.each<[name: string, wire: () => Wire]>([
  ["a grpc-js client of our server", () => ({ transport: toOurs() })],
  ["a grpc-js client of our server over TLS", () => ({ transport: toOurs(), ...tls })],
])("%s", (_name, wire) => {
  const world = createWorld(wire);
  describe("calls", () => calls(world));
  describe("metadata", () => metadata(world, abilities));
  describe("cancellation", () => cancellation(world, abilities));
  describe("back-pressure", () => backPressure(world));
  describe("connections", () => connections(world, abilities));
  describe("shutdown", () => shutdown(world));
  describe("compression", () => compression(world, abilities));
});

const sizes = [1, 16_379, 16_384, 65_530, 65_535, 65_536, 131_072, 500_000];
let streamWindowBytes = 0;
const fromTheirs = createWorld(() => ({ transport: mixed(http2({ streamWindowBytes }), grpcJs()) }));
const fromOurs = createWorld(() => ({ transport: mixed(grpcJs(), http2({ streamWindowBytes })) }));

// A message may fill a window to the byte, and then the end of its stream does not come by itself.
describe.each([
  ["replies of a grpc-js server", fromTheirs],
  ["requests of a grpc-js client", fromOurs],
])("%s", (_name, world) => {
  test.each([16_384, 65_535])("come through windows of %i bytes", async (bytes) => {
    streamWindowBytes = bytes;
    const { peer } = await world().pair();
    for (const size of sizes.flatMap((each) => [0, 5, 7, 8, 9, 10].map((less) => Math.max(0, each - less)))) {
      const { response } = await echo(peer, payload("", size), { deadline: now() + 5000 });
      expect((response as Payload).data.length).toBe(size);
    }
  });
});

import type { Compression, Transport } from "../../src/core/transport.ts";
import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";

export type WireName = "http2" | "grpc-js";

/** How the two ends of a run are set up. */
export interface Setup {
  readonly client: WireName;
  readonly server: WireName;
  /** `tiny`: streams of a few bytes, and little to grow by. */
  readonly windows: "usual" | "tiny";
  readonly tls: boolean;
  readonly fragments: boolean;
  readonly compression: Compression;
}

const tiny = {
  streamWindowBytes: 100,
  maxStreamWindowBytes: 16_384,
  growthBytes: 65_536,
  connectionWindowBytes: 65_535,
  maxFrameBytes: 16_384,
};

export function wire(name: WireName, windows: Setup["windows"]): Transport {
  if (name === "grpc-js") return grpcJs();
  return http2(windows === "tiny" ? tiny : {});
}

const pairs = [
  ["http2", "http2"],
  ["http2", "grpc-js"],
  ["grpc-js", "http2"],
  ["grpc-js", "grpc-js"],
] as const;

/** Each pair of wires, in the settings that are most unlike. */
export const setups: readonly Setup[] = pairs.flatMap(([client, server]): Setup[] => [
  { client, server, windows: "tiny", tls: false, fragments: true, compression: "identity" },
  { client, server, windows: "usual", tls: true, fragments: true, compression: "gzip" },
  { client, server, windows: "usual", tls: false, fragments: false, compression: "identity" },
]);

export function describe({ client, server, windows, tls, fragments, compression }: Setup): string {
  const more = [tls && "TLS", fragments && "in fragments", compression !== "identity" && compression];
  return `${client} to ${server}, ${[`${windows} windows`, ...more.filter(Boolean)].join(", ")}`;
}

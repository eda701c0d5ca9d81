import { createChannel } from "../../src/client/channel.ts";
import { memoryRegistry } from "../../src/registry/memory.ts";
import type { Contender } from "../contender.ts";
import { Bench } from "../contract.ts";
import { serve, through } from "./trunkline-both.ts";

/** Everything on, as it comes: registry, round robin, circuit breaker, retry, a deadline on every call. */
export const contender: Contender = {
  serve,
  async connect(port, { tls, endpoints = 1 }) {
    const registry = memoryRegistry();
    for (let i = 1; i <= endpoints; i++) {
      const address = `127.0.${i >> 8}.${i & 255}:${port}`;
      registry.register({ services: [Bench.name], endpoint: { address } });
    }
    const channel = createChannel({ registry, tls: tls && { ca: tls.ca }, policy: { timeoutMs: 60_000 } });
    return through(channel);
  },
};

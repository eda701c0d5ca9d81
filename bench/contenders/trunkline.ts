import { createChannel } from "../../src/client/channel.ts";
import { memoryRegistry } from "../../src/registry/memory.ts";
import type { Contender } from "../contender.ts";
import { Bench } from "../contract.ts";
import { serve, through } from "./trunkline-both.ts";

/** Everything on, as it comes: registry, round robin, circuit breaker, retry, a deadline on every call. */
export const contender: Contender = {
  serve,
  async connect(port, { tls }) {
    const registry = memoryRegistry();
    registry.register({ services: [Bench.name], endpoint: { address: `127.0.0.1:${port}` } });
    const channel = createChannel({ registry, tls: tls && { ca: tls.ca }, policy: { timeoutMs: 60_000 } });
    return through(channel);
  },
};

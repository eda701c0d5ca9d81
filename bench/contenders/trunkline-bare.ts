import { createChannel } from "../../src/client/channel.ts";
import type { Contender } from "../contender.ts";
import { serve, through } from "./trunkline-both.ts";

/** One endpoint, and neither breaker nor retry nor deadline. */
export const contender: Contender = {
  serve,
  async connect(port, { tls }) {
    const channel = createChannel({
      endpoints: [`127.0.0.1:${port}`],
      tls: tls && { ca: tls.ca },
      breaker: false,
      policy: { retry: false, timeoutMs: 0 },
    });
    return through(channel);
  },
};

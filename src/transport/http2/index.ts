import type { Transport } from "../../core/transport.ts";
import { checkConnectOptions, checkListenOptions } from "../check-options.ts";
import { TimerWheel } from "../timer-wheel.ts";
import { createTlsSessions } from "../tls-sessions.ts";
import { checkBudget } from "./check-budget.ts";
import { type Http2Limits, limitsFrom } from "./limits.ts";
import { listen } from "./listener.ts";
import { Http2Peer } from "./peer.ts";

export type { Http2Limits } from "./limits.ts";

/**
 * gRPC over HTTP/2, written directly on sockets: Trunkline's own wire, and its default.
 * @throws TypeError that names the limit that is none or cannot be, and its range
 */
export function http2(options: Http2Limits = {}): Transport {
  const limits = limitsFrom(options);
  const wheel = new TimerWheel();
  const sessions = createTlsSessions();
  return {
    name: "http2",
    check: (messageLimits) => checkBudget(limits, messageLimits),
    connect(endpoint, connectOptions) {
      checkConnectOptions(connectOptions);
      checkBudget(limits, connectOptions);
      return new Http2Peer(endpoint, connectOptions, { limits, wheel, sessions });
    },
    async listen(address, acceptor, listenOptions) {
      checkListenOptions(listenOptions);
      checkBudget(limits, listenOptions);
      return listen(address, acceptor, listenOptions, limits, wheel);
    },
  };
}

import type { Method } from "../../gen/trunkline/admin/v1/admin.ts";
import type { Side } from "../core/call-facts.ts";
import type { FactListeners } from "../core/facts.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

/** Contracts are larger in no process that was seen; more are not looked at, whatever makes them up. */
const MOST_METHODS = 2_000;

interface Seen {
  inFlight: number;
  readonly traffic: Traffic;
}

/** The calls of one side, method by method. */
export interface MethodsSeen {
  readonly observer: Required<Pick<FactListeners, "call-began" | "call-ended">>;
  list(): Method[];
}

export function methodsSeen(side: Side): MethodsSeen {
  const methods = new Map<string, Seen>();

  function seen(path: string): Seen | undefined {
    let method = methods.get(path);
    if (method === undefined && methods.size < MOST_METHODS) {
      method = { inFlight: 0, traffic: createTraffic(2) };
      methods.set(path, method);
    }
    return method;
  }

  return {
    observer: {
      "call-began"(fact) {
        const method = fact.side === side ? seen(fact.method) : undefined;
        if (method !== undefined) method.inFlight++;
      },
      "call-ended"({ side: of, method: path, code, tookMs }) {
        const method = of === side ? seen(path) : undefined;
        if (method === undefined) return;
        // A call that was under way before anybody listened did not begin here.
        method.inFlight = Math.max(0, method.inFlight - 1);
        method.traffic.ended(code, tookMs);
      },
    },
    list: () => [...methods].map(([path, { inFlight, traffic }]) => ({ path, inFlight, traffic: traffic.figures() })),
  };
}

import { Health as HealthService } from "../../gen/grpc/health/v1/health.rpc.ts";
import { HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health.ts";
import type { Caller } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { checkKind, oneOf } from "../core/option-kinds.ts";
import { shortened } from "../core/printable.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Implementation } from "./implementation.ts";
import type { Served } from "./route.ts";

export type ServingStatus = "SERVING" | "NOT_SERVING" | "UNKNOWN";

/** What `grpc.health.v1.Health` answers. The empty name stands for the server as a whole. */
export interface Health {
  /** Sets the status of a service, by its full name, and tells everyone who watches it. */
  set(service: string, status: ServingStatus): void;
  /** SERVING from now on, unless a status was set before. */
  begin(service: string): void;
  /** NOT_SERVING for everything, for good: later `set`s are ignored, so that a drain is never undone. */
  shutdown(): void;
  /** Ends the open Watch streams, which would otherwise hold up a drain for ever. */
  endWatches(): void;
  readonly served: Served;
}

const statusKind = oneOf("SERVING", "NOT_SERVING", "UNKNOWN");

/** A client of many services on one connection may ask after each. */
const maxWatches = 100;
/** A name is kept for as long as it is watched. */
const maxNameLength = 1_024;

export function createHealth(): Health {
  const statuses = new Map<string, ServingStatus>();
  const watches = new WeakMap<Caller, number>();
  const waiting = new Set<() => void>();
  let down = false;
  let ended = false;

  function announce(): void {
    for (const wake of [...waiting]) wake();
  }

  function nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  /** Watches of a connection, one more or less. */
  function count(connection: Caller, change: 1 | -1): void {
    const open = (watches.get(connection) ?? 0) + change;
    if (open > maxWatches) {
      throw new RpcError(
        Code.RESOURCE_EXHAUSTED,
        `this connection watches the health of ${maxWatches} services already`,
      );
    }
    watches.set(connection, open);
  }

  const implementation: Implementation<typeof HealthService> = {
    check({ service }) {
      checkName(service);
      const status = statuses.get(service);
      if (status === undefined) throw new RpcError(Code.NOT_FOUND, `no health is kept of a service "${service}"`);
      return { status: Status[status] };
    },
    list() {
      return {
        statuses: Object.fromEntries([...statuses].map(([name, status]) => [name, { status: Status[status] }])),
      };
    },
    async *watch({ service }, { signal, peer }) {
      checkName(service);
      count(peer, 1);
      try {
        for (let told: number | undefined; ; ) {
          const status = Status[statuses.get(service) ?? "SERVICE_UNKNOWN"];
          if (status !== told) {
            told = status;
            yield { status };
          } else if (ended || signal.aborted) return;
          else await nextChange(signal);
        }
      } finally {
        count(peer, -1);
      }
    },
  };

  const health: Health = {
    set(service, status) {
      checkKind(`the health of "${shortened(service)}"`, status, statusKind);
      if (down) return;
      statuses.set(service, status);
      announce();
    },
    begin(service) {
      if (!statuses.has(service)) health.set(service, "SERVING");
    },
    shutdown() {
      down = true;
      for (const service of statuses.keys()) statuses.set(service, "NOT_SERVING");
      announce();
    },
    endWatches() {
      ended = true;
      announce();
    },
    served: { service: HealthService, implementation: implementation as unknown as Served["implementation"] },
  };
  return health;
}

function checkName(service: string): void {
  if (service.length <= maxNameLength) return;
  throw new RpcError(Code.INVALID_ARGUMENT, `a service's name has no more than ${maxNameLength} characters`);
}

import { Health as HealthService } from "../../gen/grpc/health/v1/health.rpc.ts";
import { HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health.ts";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Implementation } from "./implementation.ts";
import type { Served } from "./route.ts";

export type ServingStatus = "SERVING" | "NOT_SERVING" | "UNKNOWN";

/** What `grpc.health.v1.Health` answers. The empty name stands for the server as a whole. */
export interface Health {
  /** Sets the status of a service, by its full name, and tells everyone who watches it. */
  set(service: string, status: ServingStatus): void;
  /** NOT_SERVING for everything, for good: later `set`s are ignored, so that a drain is never undone. */
  shutdown(): void;
  /** Ends the open Watch streams, which would otherwise hold up a drain for ever. */
  endWatches(): void;
  readonly served: Served;
}

export function createHealth(): Health {
  const statuses = new Map<string, ServingStatus>();
  let change = Promise.withResolvers<void>();
  let down = false;
  let ended = false;

  function announce(): void {
    change.resolve();
    change = Promise.withResolvers();
  }

  const implementation: Implementation<typeof HealthService> = {
    check({ service }) {
      const status = statuses.get(service);
      if (status === undefined) throw new RpcError(Code.NOT_FOUND, `no health is kept of a service "${service}"`);
      return { status: Status[status] };
    },
    list() {
      return {
        statuses: Object.fromEntries([...statuses].map(([name, status]) => [name, { status: Status[status] }])),
      };
    },
    async *watch({ service }, { signal }) {
      const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      for (let told: number | undefined; ; ) {
        const next = change.promise;
        const status = Status[statuses.get(service) ?? "SERVICE_UNKNOWN"];
        if (status !== told) yield { status };
        told = status;
        if (ended || signal.aborted) return;
        await Promise.race([next, aborted]);
      }
    },
  };

  return {
    set(service, status) {
      if (down) return;
      statuses.set(service, status);
      announce();
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
}

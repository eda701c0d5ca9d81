import { setTimeout as sleep } from "node:timers/promises";
import { startEtcd, type TestEtcd } from "../support/etcd.ts";
import { endAll, type FleetServer, type Load, startFleetServer, startLoad } from "./fleet.ts";
import type { LoadReport, LoadSettings, ServerSettings } from "./protocol.ts";

/** What a scenario promises, beside its own checks. */
export interface Promised {
  /** Calls of idempotent methods that may be lost; 0 by default. */
  readonly idempotentLost?: number;
  /** Calls of other methods that may be lost: what was in flight where the fault struck; 0 by default. */
  readonly otherLost?: number;
  readonly amplification?: number;
}

export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly promised: Promised;
  /** Whether it is short enough for `npm test`. */
  readonly short?: boolean;
  /** Resolves with the load's account, or throws where a check of its own fails. */
  run(): Promise<LoadReport>;
}

export interface Stage extends AsyncDisposable {
  readonly etcd: TestEtcd;
  readonly registry: string;
  readonly servers: readonly FleetServer[];
  readonly oldServers: readonly FleetServer[];
  readonly load: Load;
}

export interface StageOptions {
  readonly servers?: number;
  /** Servers of the release before, which lack SayHelloAgain. */
  readonly oldServers?: number;
  readonly nodes?: number;
  readonly etcdArgs?: readonly string[];
  readonly credentials?: string;
  readonly server?: Partial<ServerSettings>;
  readonly load?: Partial<LoadSettings>;
  /** Runs once etcd stands, before anybody uses it. */
  readonly prepare?: (etcd: TestEtcd) => Promise<void> | void;
}

/** An etcd, servers that are registered in it, and a steady load on them. */
export async function stage(options: StageOptions = {}): Promise<Stage> {
  const { nodes = 3, etcdArgs = [], credentials = "", prepare } = options;
  const etcd = await startEtcd({ nodes, args: etcdArgs });
  await prepare?.(etcd);
  const registry = `etcd://${credentials}${etcd.urls.map((url) => url.replace("http://", "")).join(",")}`;
  const start = (count: number, file?: string): Promise<FleetServer[]> =>
    Promise.all(Array.from({ length: count }, () => startFleetServer({ registry, ...options.server }, file)));
  const oldServers = await start(options.oldServers ?? 0, "old-server.ts");
  const servers = await start(options.servers ?? 3);
  const load = await startLoad({
    registry,
    callsPerSecond: 250,
    idempotentPercent: 50,
    timeoutMs: 5_000,
    ...options.load,
  });
  return {
    etcd,
    registry,
    servers,
    oldServers,
    load,
    async [Symbol.asyncDispose]() {
      await endAll();
      await etcd.stop();
    },
  };
}

/** The usual course: two seconds of peace, the fault, then `afterMs` more. */
export async function course(at: Stage, fault: () => Promise<void> | void, afterMs: number): Promise<LoadReport> {
  await sleep(2_000);
  at.load.mark();
  await fault();
  await sleep(afterMs);
  return at.load.stop();
}

export function first<T>(many: readonly T[]): T {
  const [one] = many;
  if (one === undefined) throw new Error("there is none");
  return one;
}

/** Throws where what must hold does not. */
export function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

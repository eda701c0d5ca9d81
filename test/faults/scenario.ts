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
  /** Attempts per call in the worst five seconds. */
  readonly amplification?: number;
}

/** Says whether something holds that a scenario promises; what does not hold fails it, and it goes on. */
export type Expect = (holds: boolean, otherwise: string) => void;

export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly promised: Promised;
  /** Whether it is short enough for `npm test`. */
  readonly short?: boolean;
  /** Resolves with the load's account. */
  run(expect: Expect): Promise<LoadReport>;
}

export interface Stage extends AsyncDisposable {
  readonly expect: Expect;
  readonly etcd: TestEtcd;
  /** Runs etcdctl, logged in where one must be. */
  readonly ctl: TestEtcd["ctl"];
  readonly registry: string;
  readonly servers: readonly FleetServer[];
  readonly oldServers: readonly FleetServer[];
  readonly load: Load;
}

/** What stands between a server and its callers. */
export interface Front {
  readonly address: string;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly servers?: number;
  /** Servers of the release before, which lack SayHelloAgain. */
  readonly oldServers?: number;
  readonly nodes?: number;
  readonly etcdArgs?: readonly string[];
  /** `user:password` of etcd. */
  readonly login?: string;
  readonly server?: Partial<ServerSettings>;
  /** Sets something before each server, which is announced in its stead. */
  readonly before?: (target: () => string) => Promise<Front>;
  readonly load?: Partial<LoadSettings>;
  /** Runs once etcd stands, before anybody uses it. */
  readonly prepare?: (etcd: TestEtcd) => Promise<void> | void;
}

export const service = "greeter.v1.Greeter";

const steady = { callsPerSecond: 250, idempotentPercent: 50, timeoutMs: 5_000 };

/**
 * How many of the other calls are sent to one of `servers` before a server that says nothing is walked around: after 0.5 s
 * of silence it is asked, 0.5 s later others are called, and timers and a busy machine may be late.
 */
export function sentUntilFoundOut(servers: number): number {
  const othersPerSecond = steady.callsPerSecond * (1 - steady.idempotentPercent / 100);
  return Math.ceil((othersPerSecond / servers) * 2);
}

/** An etcd, servers that are registered in it, and a steady load on them. */
export async function stage(expect: Expect, options: StageOptions = {}): Promise<Stage> {
  const { nodes = 3, etcdArgs = [], login, prepare, before } = options;
  const etcd = await startEtcd({ nodes, args: etcdArgs });
  const fronts: Front[] = [];
  async function end(): Promise<void> {
    await endAll();
    await Promise.all(fronts.map((front) => front.close()));
    await etcd.stop();
  }
  try {
    await prepare?.(etcd);
    const registry = `etcd://${login === undefined ? "" : `${login}@`}${etcd.urls.map((url) => url.replace("http://", "")).join(",")}`;
    const startOne = async (file?: string): Promise<FleetServer> => {
      const settings = { registry, ...options.server };
      if (before === undefined) return await startFleetServer(settings, file);
      let server: FleetServer | undefined;
      const front = await before(() => server?.boundTo ?? "");
      fronts.push(front);
      server = await startFleetServer({ ...settings, advertise: front.address }, file);
      return server;
    };
    const start = (count: number, file?: string): Promise<FleetServer[]> =>
      Promise.all(Array.from({ length: count }, () => startOne(file)));
    const oldServers = await start(options.oldServers ?? 0, "old-server.ts");
    const servers = await start(options.servers ?? 3);
    const ctl = (...args: string[]): string => etcd.ctl(...(login === undefined ? [] : ["--user", login]), ...args);
    const load = await startLoad({ registry, ...steady, ...options.load });
    return { expect, etcd, ctl, registry, servers, oldServers, load, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The usual course: two seconds of peace, the fault, then `afterMs` more. What the fault throws fails the scenario. */
export async function course(at: Stage, fault: () => Promise<void> | void, afterMs: number): Promise<LoadReport> {
  await sleep(2_000);
  at.load.mark();
  try {
    await fault();
    await sleep(afterMs);
  } catch (error) {
    at.expect(false, (error as Error).message);
  }
  return at.load.stop();
}

/** Waits until the registry holds these servers, again. */
export async function untilRegistered(at: Stage, wanted: readonly string[]): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    const keys = at.ctl("get", "--prefix", "--keys-only", `${service}/`);
    if (wanted.every((address) => keys.includes(`${service}/${address}`))) return;
    if (performance.now() > end) {
      throw new Error(`not registered again within 20 s: ${wanted.filter((each) => !keys.includes(each))}`);
    }
    await sleep(100);
  }
}

/** Waits until a server is called after the mark, by more than by what was still under way. */
export async function untilCalled(at: Stage, address: string): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    const { perServer } = await at.load.report();
    if ((perServer[address] ?? 0) >= 20) return;
    if (performance.now() > end) throw new Error(`${address} is not called within 20 s`);
    await sleep(200);
  }
}

export function first<T>(many: readonly T[]): T {
  const [one] = many;
  if (one === undefined) throw new Error("there is none");
  return one;
}

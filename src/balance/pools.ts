import type { ChannelState } from "../core/channel-state.ts";
import { Code } from "../core/code.ts";
import { detached } from "../core/context.ts";
import { NEVER } from "../core/deadline.ts";
import { RpcError } from "../core/rpc-error.ts";
import { createPool, type Pool, type PoolOptions } from "./pool.ts";
import { createStateWatch } from "./state-watch.ts";

export interface PoolsOptions extends PoolOptions {
  /** Milliseconds without a call after which a service is let go. */
  readonly idleTimeoutMs: number;
}

/** The pools of a channel: one for each service that is in use. */
export interface Pools {
  /** The pool of a service, for a call: made where there is none. */
  of(service: string): Pool;
  /** The same, for a look: `undefined` where the service is idle. */
  known(service: string): Pool | undefined;
  state(service: string): ChannelState;
  /** Of each service that is in use. */
  states(): Readonly<Record<string, ChannelState>>;
  /** Tells the state now, and whenever it has changed, until the returned function is called. */
  watchState(service: string, listener: (state: ChannelState) => void): () => void;
  close(): Promise<void>;
}

/** What is unused is found by looking so many times in its time, and once a minute at the least. */
const looks = 8;
const longestPeriodMs = 60_000;

/** A pool that no call has asked for in `idleTimeoutMs`, and none has under way, is closed; the next call makes another. */
export function createPools(options: PoolsOptions): Pools {
  const { idleTimeoutMs, clock, facts } = options;
  const pools = new Map<string, Pool>();
  const parting = new Set<Promise<void>>();
  const usedAtMs = new WeakMap<Pool, number>();
  const watch = createStateWatch(state, facts);
  const periodMs = Math.min(idleTimeoutMs / looks, longestPeriodMs);
  let stopTimer: (() => void) | undefined;
  let closing: Promise<void> | undefined;

  function state(service: string): ChannelState {
    if (closing !== undefined) return "SHUTDOWN";
    return pools.get(service)?.state ?? "IDLE";
  }

  function open(service: string): Pool {
    if (closing !== undefined) throw new RpcError(Code.CANCELLED, "the channel is closed", { local: true });
    // What a pool starts outlives the call that happens to be the first.
    const pool = detached(() => createPool(service, options, watch));
    pools.set(service, pool);
    watch.look(service);
    if (idleTimeoutMs !== NEVER) stopTimer ??= clock.setTimeout(lookForIdle, periodMs);
    return pool;
  }

  function lookForIdle(): void {
    const nowMs = clock.now();
    for (const [service, pool] of pools) {
      if (pool.used || pool.busy) usedAtMs.set(pool, nowMs);
      else if (nowMs - (usedAtMs.get(pool) ?? nowMs) >= idleTimeoutMs) letGo(service, pool);
      pool.used = false;
    }
    stopTimer = pools.size === 0 ? undefined : clock.setTimeout(lookForIdle, periodMs);
  }

  function letGo(service: string, pool: Pool): void {
    pools.delete(service);
    facts.on["service-idle"]?.({ service, idleTimeoutMs });
    const gone = pool.close();
    parting.add(gone);
    void gone.then(() => parting.delete(gone));
    watch.look(service);
  }

  return {
    of(service) {
      const pool = pools.get(service) ?? open(service);
      pool.used = true;
      return pool;
    },
    known: (service) => pools.get(service),
    state,
    states: () => Object.fromEntries([...pools].map(([service, pool]) => [service, pool.state])),
    watchState: watch.add,
    close() {
      stopTimer?.();
      closing ??= Promise.all([...parting, ...[...pools.values()].map((pool) => pool.close())]).then(() => {});
      pools.clear();
      watch.end();
      return closing;
    },
  };
}

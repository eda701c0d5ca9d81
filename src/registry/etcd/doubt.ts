import type { Endpoint } from "../../core/endpoint.ts";
import { timer } from "./timer.ts";

/**
 * An etcd that came back without its data says nothing about the servers it knew: they stay known while they register
 * again, or until the time is up.
 */
export interface Doubt {
  /** Why there are servers in doubt; `undefined` where there are none. */
  readonly reason: string | undefined;
  begin(reason: string, endpoints: readonly Endpoint[]): void;
  /** The endpoints that are listed, and those in doubt. Who is listed is in doubt no more. */
  with(listed: readonly Endpoint[]): readonly Endpoint[];
  end(): void;
}

export interface DoubtOptions {
  readonly doubtMs: number;
  /** While etcd is away nobody can register again, and the time does not count. */
  readonly isAway: () => boolean;
  /** Called when the time is up and the doubt has ended. */
  readonly over: () => void;
}

export function createDoubt({ doubtMs, isAway, over }: DoubtOptions): Doubt {
  const doubted = new Map<string, Endpoint>();
  let reason: string | undefined;
  let waiting: NodeJS.Timeout | undefined;

  const end = () => {
    clearTimeout(waiting);
    doubted.clear();
    reason = undefined;
  };
  const arm = () => {
    clearTimeout(waiting);
    waiting = timer(doubtMs, () => {
      if (isAway()) return arm();
      end();
      over();
    });
  };

  return {
    get reason() {
      return reason;
    },
    begin(why, endpoints) {
      for (const endpoint of endpoints) doubted.set(endpoint.address, endpoint);
      if (doubted.size === 0) return;
      reason = `${why}; keeping the servers it knew while they register again`;
      arm();
    },
    with(listed) {
      if (reason === undefined) return listed;
      for (const { address } of listed) doubted.delete(address);
      if (doubted.size === 0) end();
      return [...listed, ...doubted.values()];
    },
    end,
  };
}

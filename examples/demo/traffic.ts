import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type Metadata, RpcError } from "trunkline";
import type { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

/** What came of the calls so far. */
export interface Tally {
  calls: number;
  readonly perServer: Map<string, number>;
  readonly failures: Map<string, number>;
}

export interface Traffic {
  readonly tally: Tally;
  /** Resolves when a server has answered `count` calls more than now. */
  answeredBy(server: string, count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Calls both methods in turn, a call every `everyMs`, whether or not the ones before have been answered. */
export function startTraffic(greeter: Client<typeof Greeter>, everyMs: number): Traffic {
  const tally: Tally = { calls: 0, perServer: new Map(), failures: new Map() };
  const answered = new EventEmitter();
  const open = new Set<Promise<void>>();
  let running = true;

  function count(header: Metadata): void {
    const server = header.get("served-by") ?? "?";
    tally.perServer.set(server, (tally.perServer.get(server) ?? 0) + 1);
    answered.emit(server);
  }

  async function call(): Promise<void> {
    const method = tally.calls++ % 2 === 0 ? greeter.sayHello : greeter.sayHelloAgain;
    try {
      await method({ name: "you" }, { timeoutMs: 2_000, onHeader: count });
    } catch (error) {
      const { codeName, message } = RpcError.from(error);
      const failure = `${codeName} ${message}`;
      tally.failures.set(failure, (tally.failures.get(failure) ?? 0) + 1);
    }
  }

  const loop = (async () => {
    while (running) {
      const one = call().finally(() => open.delete(one));
      open.add(one);
      await sleep(everyMs);
    }
    await Promise.all(open);
  })();

  return {
    tally,
    async answeredBy(server, count) {
      for (let i = 0; i < count; i++) await once(answered, server);
    },
    stop() {
      running = false;
      return loop;
    },
  };
}

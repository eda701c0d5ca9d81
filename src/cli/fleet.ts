import { setTimeout as wait } from "node:timers/promises";
import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import type { WatchResponse } from "../../gen/trunkline/admin/v1/admin.ts";
import { durationOf } from "../admin/times.ts";
import { createChannel } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import type { Metadata } from "../core/metadata.ts";
import type { ClientTls } from "../core/transport.ts";
import type { Resolver } from "../registry/registry.ts";
import { errorLine } from "./error-line.ts";
import { serverAt } from "./server-at.ts";

/** More are counted, and not asked. */
const MOST_INSTANCES = 500;
const CONNECT_TIMEOUT_MS = 3_000;
const TRY_AGAIN_MS = 1_000;

/** A process that serves `trunkline.admin.v1.Admin`, as far as is known. */
export interface Instance {
  readonly address: string;
  /** What it said last. */
  picture: WatchResponse | undefined;
  /** Why it says nothing now. */
  problem: string | undefined;
}

export interface FleetOptions {
  readonly registry: Resolver;
  readonly tls: ClientTls | undefined;
  readonly metadata: Metadata;
  readonly everyMs: number;
}

/** All processes that a registry has for the admin service, each watched for as long as it is listed. */
export interface Fleet {
  instances(): readonly Instance[];
  /** How many are listed beyond those that are watched. */
  readonly more: number;
  /** Why the registry does not say who there is. */
  readonly problem: string | undefined;
  /** Resolves when it is known who there is, and each has said something or failed. */
  known(): Promise<void>;
  close(): Promise<void>;
}

interface Watching {
  readonly instance: Instance;
  /** Resolves when it has said something, or has failed. */
  readonly heard: Promise<void>;
  stop(): Promise<void>;
}

export function watchFleet({ registry, ...how }: FleetOptions): Fleet {
  const watching = new Map<string, Watching>();
  const listed = Promise.withResolvers<void>();
  let more = 0;
  let problem: string | undefined;

  const stopResolving = registry.resolve(Admin.name, ({ endpoints, state, reason }) => {
    problem = state === "current" ? undefined : reason;
    if (state !== "current" && reason === undefined) return;
    const addresses = endpoints.slice(0, MOST_INSTANCES).map(({ address }) => address);
    more = endpoints.length - addresses.length;
    for (const [address, { stop }] of watching) {
      if (addresses.includes(address)) continue;
      void stop();
      watching.delete(address);
    }
    for (const address of addresses)
      if (!watching.has(address)) watching.set(address, watchInstance(serverAt(address, registry), address, how));
    listed.resolve();
  });

  return {
    instances: () => [...watching.values()].map(({ instance }) => instance),
    get more() {
      return more;
    },
    get problem() {
      return problem;
    },
    async known() {
      await listed.promise;
      await Promise.all([...watching.values()].map(({ heard }) => heard));
    },
    async close() {
      stopResolving();
      await Promise.all([...watching.values()].map((each) => each.stop()));
    },
  };
}

function watchInstance(
  registry: Resolver,
  address: string,
  { tls, metadata, everyMs }: Omit<FleetOptions, "registry">,
): Watching {
  const instance: Instance = { address, picture: undefined, problem: undefined };
  const heard = Promise.withResolvers<void>();
  const ended = new AbortController();
  const { signal } = ended;
  const channel = createChannel({ registry, tls, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  const admin = createClient(Admin, channel);

  async function follow(): Promise<void> {
    for await (const picture of admin.watch({ every: durationOf(everyMs) }, { signal, metadata })) {
      Object.assign(instance, { picture, problem: undefined });
      heard.resolve();
    }
    instance.problem = "it has closed";
  }

  const following = (async () => {
    while (!signal.aborted) {
      await follow().catch((error) => {
        instance.problem = errorLine(error);
      });
      heard.resolve();
      await wait(TRY_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  })();

  return {
    instance,
    heard: heard.promise,
    async stop() {
      ended.abort();
      await following;
      await channel.close(0);
    },
  };
}

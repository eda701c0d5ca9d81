import type { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import type {
  Channel as ChannelMessage,
  Server as ServerMessage,
  WatchResponse,
} from "../../gen/trunkline/admin/v1/admin.ts";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Recorder } from "../observe/recorder.ts";
import type { Implementation } from "../server/implementation.ts";
import type { Server } from "../server/server.ts";
import { listedCalls } from "./listed-calls.ts";
import type { LogLevel } from "./log-level.ts";
import { createProcessSeen } from "./process-seen.ts";
import { ticks } from "./ticks.ts";
import { msOf } from "./times.ts";

const DEFAULT_EVERY_MS = 1_000;
const LEAST_EVERY_MS = 100;
const LONGEST_EVERY_MS = 60_000;
/** Each is a whole picture of the process, made again and again. */
const MOST_WATCHES = 32;

export interface Watched {
  readonly servers: readonly { readonly server: Server; readonly read: () => ServerMessage }[];
  readonly channels: readonly (() => ChannelMessage)[];
  readonly calls: Recorder;
  readonly logger: LogLevel | undefined;
}

export function adminHandlers({ servers, channels, calls, logger }: Watched): Implementation<typeof Admin> {
  const process = createProcessSeen();
  let watches = 0;

  function picture(): WatchResponse {
    return {
      process: { ...process.read(), logLevel: logger?.level ?? "" },
      servers: servers.map(({ read }) => read()),
      channels: channels.map((read) => read()),
    };
  }

  return {
    async *watch({ every }, context) {
      const everyMs = every === undefined ? DEFAULT_EVERY_MS : msOf(every);
      if (everyMs < LEAST_EVERY_MS || everyMs > LONGEST_EVERY_MS) {
        const why = `every is ${everyMs} ms: give from ${LEAST_EVERY_MS} to ${LONGEST_EVERY_MS} ms`;
        throw new RpcError(Code.INVALID_ARGUMENT, why);
      }
      if (watches >= MOST_WATCHES) throw new RpcError(Code.RESOURCE_EXHAUSTED, `${MOST_WATCHES} watch already`);
      watches++;
      const stop = process.watch();
      try {
        yield picture();
        for await (const _ of ticks(everyMs, AbortSignal.any([context.signal, context.draining]))) yield picture();
        // The last that is seen of a server is that it drains.
        yield picture();
      } finally {
        watches--;
        stop();
      }
    },
    listCalls: (request) => ({ calls: listedCalls(calls, request) }),
    setLogLevel({ level }) {
      if (logger === undefined) {
        throw new RpcError(Code.FAILED_PRECONDITION, "this process has not told serveAdmin of its logger");
      }
      return { before: logger.set(level) };
    },
    drain({ address }) {
      const known = servers.map(({ server }) => server);
      const chosen = address === "" ? known : known.filter((server) => server.address === address);
      if (chosen.length === 0) {
        const have = known.map((server) => server.address ?? "one that does not listen").join(", ");
        throw new RpcError(Code.NOT_FOUND, `no server of this process is bound to ${address}; it has ${have}`);
      }
      // It ends only after this call has been answered.
      for (const server of chosen) server.close().catch(() => {});
      return { addresses: chosen.flatMap((server) => server.address ?? []) };
    },
  };
}

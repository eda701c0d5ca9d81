import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import type { Channel } from "../client/channel.ts";
import type { Interceptor } from "../core/call.ts";
import { checkKinds, functionLike, listOfText } from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import { whatIs } from "../core/what-is.ts";
import { type RecorderOptions, recorder } from "../observe/recorder.ts";
import type { Server } from "../server/server.ts";
import { adminHandlers } from "./admin-handlers.ts";
import { channelSeen } from "./channel-seen.ts";
import { byLoopback, byToken } from "./guard.ts";
import { type Levelled, levelled } from "./log-level.ts";
import { serverSeen } from "./server-seen.ts";

export interface AdminOptions {
  /** The channels of this process to show, by the names that people know them by: `{ payments: channel }`. */
  readonly channels?: Readonly<Record<string, Channel>> | undefined;
  /** More servers of this process, beside the one that serves it. */
  readonly servers?: readonly Server[] | undefined;
  /**
   * Lets in who brings one of them, as `authorization: Bearer …`. Two while one takes the other's place. Nobody else can
   * ask anything, nor change it.
   */
  readonly tokens?: readonly string[] | undefined;
  /**
   * Who may ask, in place of `tokens`: `auth(mutualTls())`, say. The contract asks for the scope `trunkline:read`, and
   * for `trunkline:change` where something is changed.
   */
  readonly guard?: Interceptor | undefined;
  /** Which calls `ListCalls` can explain: 100 that failed or took `slowMs`, which is for ever, by default. */
  readonly calls?: RecorderOptions | undefined;
  /** Whose level `SetLogLevel` sets: a pino logger. */
  readonly logger?: Levelled | undefined;
}

const names: OptionNames<AdminOptions> = {
  channels: true,
  servers: true,
  tokens: true,
  guard: true,
  calls: true,
  logger: true,
};

/**
 * Serves `trunkline.admin.v1.Admin`: what this process knows of itself, for `trunkline top` and for whoever operates it.
 * Call it before `listen`, and before the channels are used: what happened before is not seen. Announced with the server's
 * other services, so that every process that serves it can be found under its name.
 *
 * ```ts
 * const server = createServer({ registry });
 * serveAdmin(server, { channels: { payments }, tokens: [adminToken] });
 * ```
 *
 * With neither `tokens` nor `guard` only callers of this machine are let in, and the server does not listen where others
 * can reach it. The server's own interceptors stand around it too.
 * @throws TypeError that names an option that cannot be, and what it can be
 */
export function serveAdmin(server: Server, options: AdminOptions = {}): void {
  checkAdmin(server, options);
  const { channels = {}, servers = [], tokens, logger } = options;
  const calls = recorder(options.calls);
  const watchedServers = [server, ...servers].map((each) => {
    const seen = serverSeen();
    each.observe(seen.observer);
    each.observe(calls);
    return { server: each, read: seen.read };
  });
  const watchedChannels = Object.entries(channels).map(([name, channel]) => {
    const seen = channelSeen();
    channel.observe?.(seen.observer);
    channel.observe?.(calls);
    return () => seen.read(name);
  });
  const guard = options.guard ?? (tokens === undefined ? byLoopback() : byToken(tokens));
  const handlers = adminHandlers({
    servers: watchedServers,
    channels: watchedChannels,
    calls,
    logger: logger && levelled(logger),
  });
  server.add(Admin, handlers, { interceptors: [guard] });
}

function checkAdmin(server: Server, options: AdminOptions): void {
  if (typeof server?.observe !== "function") {
    throw new TypeError(`serveAdmin: the server is ${whatIs(server)}: give createServer({ … })`);
  }
  checkNames(options, names, "serveAdmin");
  checkKinds(options, { tokens: listOfText, guard: functionLike("auth(mutualTls())") });
  const { tokens, guard, channels = {}, servers = [] } = options;
  if (tokens !== undefined && guard !== undefined) throw new TypeError("serveAdmin takes tokens or a guard, not both");
  if (tokens?.length === 0) throw new TypeError("tokens is an empty list, and lets nobody in: give a token");
  const short = tokens?.find((token) => token.length < SHORTEST_TOKEN);
  if (short !== undefined) {
    throw new TypeError(`a token has ${short.length} characters, and can be guessed: give ${SHORTEST_TOKEN} or more`);
  }
  for (const [name, channel] of Object.entries(channels)) {
    if (typeof channel?.observe === "function") continue;
    throw new TypeError(`channels.${name} is ${whatIs(channel)}: give createChannel({ … })`);
  }
  for (const each of servers) {
    if (typeof each?.observe === "function") continue;
    throw new TypeError(`servers has ${whatIs(each)}: give createServer({ … })`);
  }
}

const SHORTEST_TOKEN = 16;

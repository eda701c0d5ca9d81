import { Health } from "../../gen/grpc/health/v1/health.rpc.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health.ts";
import { Call } from "../core/call.ts";
import { Cancellation } from "../core/cancellation.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { isConnected } from "../core/connected.ts";
import { detached } from "../core/context.ts";
import { type Facts, factsOf } from "../core/facts.ts";
import type { Logger } from "../core/logger.ts";
import { PeerAround } from "../core/peer-around.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Peer, PeerState, Transport } from "../core/transport.ts";

type Connecting = Pick<Transport, "connect">;

export interface HealthCheckOptions {
  /** The service to ask after; empty for the server as a whole. */
  readonly service: string;
  readonly facts?: Facts | undefined;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** Milliseconds until a Watch that ended is begun again: doubled each time, half to one and a half of it. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

const statusNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(Status).map(([name, status]) => [status, name]),
);

/**
 * A wire over which a server is ready only while its own `grpc.health.v1.Health/Watch` says SERVING, as in gRPC's A17
 * (https://github.com/grpc/proposal/blob/master/A17-client-side-health-checking.md). Stands below the shared connections:
 * one Watch a connection, whatever is called there. Until the first answer a peer is still `connecting`; one that does
 * not serve has `failed`. A server without the health service counts as healthy.
 */
export function healthChecked(transport: Connecting, options: HealthCheckOptions): Connecting {
  return {
    connect: (endpoint, connectOptions) =>
      watched(
        (changed) => transport.connect(endpoint, { ...connectOptions, changed }),
        options,
        connectOptions.changed,
      ),
  };
}

function watched(connect: (changed: () => void) => Peer, options: HealthCheckOptions, tell?: () => void): Peer {
  const { service, clock = systemClock, random = Math.random } = options;
  const facts = factsOf(options);
  let watch: Cancellation | undefined;
  let stopTimer: (() => void) | undefined;
  let pauseMs = firstPauseMs;
  let healthy: boolean | undefined;
  let reason: string | undefined;
  let streaming = false;
  const peer = connect(peerChanged);
  peerChanged();

  function peerChanged(): void {
    // While it is silent its connection may still be good, and so what was said over it.
    if (!isConnected(peer)) forget();
    else if (peer.ready && watch === undefined && stopTimer === undefined) detached(begin);
    tell?.();
  }

  /** What was said over another connection says nothing of this one. */
  function forget(): void {
    watch?.cancel(new RpcError(Code.CANCELLED, "the connection was lost"));
    watch = undefined;
    streaming = false;
    stopTimer?.();
    stopTimer = undefined;
    healthy = undefined;
    reason = undefined;
    pauseMs = firstPauseMs;
  }

  function become(now: boolean, why?: string): void {
    if (healthy === now && reason === why) return;
    healthy = now;
    reason = why;
    const fields = { peer: peer.endpoint.address, service };
    if (now) facts.on["peer-healthy"]?.(fields);
    else facts.on["peer-unhealthy"]?.({ ...fields, reason: why ?? "" });
    tell?.();
  }

  function begin(): void {
    const mine = new Cancellation();
    watch = mine;
    streaming = true;
    follow(mine).then(
      () => ended(mine, new RpcError(Code.OK, "it ended")),
      (error) => ended(mine, RpcError.from(error)),
    );
  }

  async function follow(mine: Cancellation): Promise<void> {
    const { response } = await peer.handle(
      new Call({ method: Health.methods.watch, request: { service }, cancellation: mine, background: true }),
    );
    for await (const { status } of response as AsyncIterable<HealthCheckResponse>) {
      if (watch !== mine) return;
      pauseMs = firstPauseMs;
      if (status === Status.SERVING) become(true);
      else become(false, `health is ${statusNames[status] ?? status}`);
    }
  }

  function ended(mine: Cancellation, error: RpcError): void {
    if (watch !== mine) return;
    streaming = false;
    // It stays the watch, so that no other is begun on this connection.
    if (error.code === Code.UNIMPLEMENTED) become(true);
    else if (!peer.ready) forget();
    else {
      watch = undefined;
      become(false, `health is unknown: ${error.codeName} ${error.message}`);
      watchAgain();
    }
  }

  function watchAgain(): void {
    const again = (): void => {
      stopTimer = undefined;
      if (peer.ready) detached(begin);
    };
    stopTimer = clock.setTimeout(again, pauseMs * (0.5 + random()));
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }

  function state(): PeerState {
    if (!isConnected(peer) || healthy === true) return peer.state;
    return healthy === undefined ? "connecting" : "failed";
  }

  return new WatchedPeer(peer, {
    state,
    reason: () => (peer.ready && healthy !== true ? (reason ?? "health not heard yet") : peer.reason),
    // The watch itself is no call of anybody's.
    inflight: () => (streaming ? Math.max(0, peer.inflight - 1) : peer.inflight),
    forget,
  });
}

/** What a peer's own health service adds to what is known of it. */
interface Watched {
  state(): PeerState;
  reason(): string | undefined;
  inflight(): number;
  forget(): void;
}

class WatchedPeer extends PeerAround {
  readonly #watched: Watched;

  constructor(inner: Peer, watched: Watched) {
    super(inner);
    this.#watched = watched;
  }

  override get state(): PeerState {
    return this.#watched.state();
  }
  override get ready(): boolean {
    return this.state === "ready";
  }
  override get inflight(): number {
    return this.#watched.inflight();
  }
  override get reason(): string | undefined {
    return this.#watched.reason();
  }
  override close(timeoutMs?: number): Promise<void> {
    // Before the calls in flight are waited for: the watch would never end.
    this.#watched.forget();
    return this.inner.close(timeoutMs);
  }
}

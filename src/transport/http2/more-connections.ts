import { detached } from "../../core/context.ts";
import { now } from "../../core/deadline.ts";
import type { Facts } from "../../core/facts.ts";
import { connectionBackoff } from "../backoff.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { Dialler } from "./dialler.ts";

export interface MoreConnectionsOptions {
  readonly connect: Dialler["connect"];
  readonly most: number;
  readonly connectTimeoutMs: number;
  /** True while calls wait for a stream. */
  readonly wanted: () => boolean;
  /** Called with each connection that can take calls. */
  readonly opened: () => void;
  readonly address: string;
  readonly facts: Facts;
}

/** The connections to a server beside its main one: opened while calls wait for a free stream, and kept then. */
export interface MoreConnections {
  readonly all: readonly ClientConnection[];
  /** Opens one, where one more is allowed and none is being opened. */
  open(): void;
  close(): void;
}

/** One that is lost, or does not come about, is tried again while calls wait, after a backoff where it was of no use. */
export function createMoreConnections(options: MoreConnectionsOptions): MoreConnections {
  const { connect, most, connectTimeoutMs, wanted, opened, address, facts } = options;
  const openedAt = new WeakMap<ClientConnection, number>();
  const backoff = connectionBackoff();
  let all: readonly ClientConnection[] = [];
  let opening: AbortController | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  function open(): void {
    if (closed || opening !== undefined || retry !== undefined || all.length >= most) return;
    // It outlives the call that it is opened for.
    detached(openOne);
  }

  function openOne(): void {
    const controller = new AbortController();
    opening = controller;
    const timeout = setTimeout(() => controller.abort(), connectTimeoutMs).unref();
    const settle = (): void => {
      clearTimeout(timeout);
      opening = undefined;
    };
    let mine: ClientConnection | undefined;
    connect(controller.signal, (reason) => mine !== undefined && lost(mine, reason)).then(
      (connection) => {
        settle();
        mine = connection;
        if (connection.goingAway) again();
        else if (closed) connection.close();
        else add(connection);
      },
      () => {
        settle();
        again();
      },
    );
  }

  function add(connection: ClientConnection): void {
    all = [...all, connection];
    openedAt.set(connection, now());
    facts.on["connection-opened"]?.({ side: "client", address, peer: undefined });
    opened();
    if (wanted()) open();
  }

  function tellClosed(connection: ClientConnection, reason: string): void {
    const { bytesReceived, bytesSent } = connection;
    const heldMs = now() - (openedAt.get(connection) ?? now());
    const tell = facts.on["connection-closed"];
    tell?.({ side: "client", address, peer: undefined, reason, heldMs, bytesReceived, bytesSent });
  }

  function lost(connection: ClientConnection, reason: string): void {
    if (all.includes(connection)) tellClosed(connection, reason);
    all = all.filter((each) => each !== connection);
    connection.close();
    if (!connection.served) again();
    else {
      backoff.reset();
      if (wanted()) open();
    }
  }

  function again(): void {
    if (closed || retry !== undefined) return;
    retry = setTimeout(() => {
      retry = undefined;
      if (wanted()) open();
    }, backoff.next()).unref();
  }

  return {
    get all() {
      return all;
    },
    open,
    close() {
      closed = true;
      clearTimeout(retry);
      opening?.abort();
      for (const connection of all) {
        tellClosed(connection, "closed");
        connection.close();
      }
      all = [];
    },
  };
}

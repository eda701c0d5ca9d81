import type { Call, Reply } from "../../core/call.ts";
import { Code } from "../../core/code.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { Metadata } from "../../core/metadata.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { ConnectOptions, Peer, PeerState } from "../../core/transport.ts";
import { socketAddress } from "../address.ts";
import { overAlready } from "../cancelled.ts";
import { createLink, type Link } from "../link.ts";
import { DEFAULT_MAX_RECEIVE_BYTES } from "../message.ts";
import { checkSentMetadata, DEFAULT_MAX_METADATA_BYTES } from "../metadata-size.ts";
import { shutAfter } from "../shut-after.ts";
import { ClientConnection } from "./client-connection.ts";
import { dial } from "./dial.ts";
import type { Limits } from "./limits.ts";
import type { RequestFields } from "./request-block.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { WaitingCall } from "./waiting-call.ts";
import { WaitingCalls } from "./waiting-calls.ts";
import { Watch } from "./watch.ts";

/** A server is asked for the first time when it has been silent for this part of `keepaliveMs`, to walk around it soon. */
const QUIET_PART = 0.25;

/**
 * A server and our connections to it: one that is kept up for ever, and others while the server allows fewer streams
 * on a connection than there are calls.
 */
export class Http2Peer implements Peer {
  endpoint: Endpoint;
  readonly #address: string;
  readonly #options: ConnectOptions;
  readonly #limits: Limits;
  readonly #wheel: TimerWheel;
  readonly #fields: RequestFields;
  readonly #link: Link<ClientConnection>;
  /** The connection that is kept up, while it is. */
  #main: ClientConnection | undefined;
  #others: ClientConnection[] = [];
  #opening: AbortController | undefined;
  #waiting = new WaitingCalls();
  #inflight = 0;
  #closing: PromiseWithResolvers<void> | undefined;
  /** How many times rarer than by its options it pings. */
  #calm = 1;

  constructor(endpoint: Endpoint, options: ConnectOptions, limits: Limits, wheel: TimerWheel) {
    const { compression = "identity", userAgent = "trunkline", connectTimeoutMs, logger } = options;
    this.endpoint = endpoint;
    this.#address = endpoint.address;
    this.#options = options;
    this.#limits = limits;
    this.#wheel = wheel;
    this.#fields = {
      scheme: options.tls === undefined ? "http" : "https",
      authority: this.#authority(),
      userAgent,
      compression,
    };
    const changed = this.#changed;
    const open = async (signal: AbortSignal, lost: (reason: string) => void): Promise<ClientConnection> => {
      let opened: ClientConnection | undefined;
      opened = await this.#connect(signal, (reason) => {
        if (this.#main === opened) this.#main = undefined;
        lost(reason);
        this.#placeAgain();
      });
      // It may have gone as soon as it came.
      if (opened.goingAway) throw new Error("the server goes away");
      this.#main = opened;
      return opened;
    };
    this.#link = createLink({ address: this.#address, open, connectTimeoutMs, changed, logger });
  }

  get state(): PeerState {
    if (this.#closing !== undefined) return "closed";
    return this.#main?.silent === true ? "silent" : this.#link.state;
  }

  get ready(): boolean {
    return this.state === "ready";
  }

  get inflight(): number {
    return this.#inflight;
  }

  get reason(): string | undefined {
    if (this.#closing !== undefined) return "closed";
    return this.#main?.silent === true ? "it does not answer" : this.#link.reason;
  }

  readonly #changed = (): void => {
    if (this.#closing === undefined) this.#options.changed?.();
  };

  readonly handle = (call: Call): Promise<Reply> => {
    if (this.#closing !== undefined) {
      const why = `the connection to ${this.#address} was closed`;
      return Promise.reject(new RpcError(Code.UNAVAILABLE, why, { unprocessed: true }));
    }
    const early = overAlready(call);
    if (early !== undefined) return Promise.reject(early);
    if (call.metadata !== Metadata.EMPTY) {
      try {
        checkSentMetadata(call.metadata);
      } catch (error) {
        return Promise.reject(error as RpcError);
      }
    }
    this.#inflight++;
    return this.#place(call);
  };

  probe(): void {
    if (this.#main === undefined) this.#link.hurry();
    else if (this.#main.pingSentAt === 0) this.#main.ping();
  }

  close(timeoutMs?: number): Promise<void> {
    let closing = this.#closing;
    if (closing === undefined) {
      closing = Promise.withResolvers();
      this.#closing = closing;
      this.#options.changed?.();
      if (this.#inflight === 0) this.#shut(closing);
    }
    if (timeoutMs !== undefined && this.#inflight > 0) shutAfter(timeoutMs, closing, this.#cutOff);
    return closing.promise;
  }

  readonly #cutOff = (closing: PromiseWithResolvers<void>): void => {
    for (const connection of [this.#main, ...this.#others]) connection?.destroy("it was closed");
    this.#shut(closing);
  };

  #shut({ resolve }: PromiseWithResolvers<void>): void {
    this.#opening?.abort();
    this.#link.close();
    for (const connection of this.#others) connection.close();
    this.#main = undefined;
    this.#others = [];
    resolve();
  }

  #authority(): string {
    const { serverName } = this.#options.tls ?? {};
    const to = socketAddress(this.#address);
    if ("path" in to) return serverName ?? "localhost";
    return serverName === undefined ? this.#address : `${serverName}:${to.port}`;
  }

  /** Hands a call to a connection that can take it, or lets it wait for one. */
  #place(call: Call): Promise<Reply> {
    const available = this.#available();
    if (available !== undefined) return available.start(call);
    if (this.#main === undefined) {
      const connected = this.#link.connected(call);
      return connected.then(() => this.#place(call), this.#onUnplaced);
    }
    return this.#enqueue(call);
  }

  #available(): ClientConnection | undefined {
    const main = this.#main;
    return main?.available === true ? main : this.#others.find((connection) => connection.available);
  }

  readonly #onUnplaced = (error: unknown): never => {
    this.#over();
    throw error;
  };

  #enqueue(call: Call): Promise<Reply> {
    const { maxWaitingCalls } = this.#limits;
    if (this.#waiting.size >= maxWaitingCalls) {
      const why = `${maxWaitingCalls} calls wait for a free stream of ${this.#address} already`;
      return this.#onUnplacedLater(new RpcError(Code.UNAVAILABLE, why, { unprocessed: true }));
    }
    const waiting = new WaitingCall(call, this.#address, this.#wheel, (error) => {
      this.#waiting.remove(waiting);
      this.#over();
      waiting.reject(error);
    });
    this.#waiting.push(waiting);
    this.#openAnother();
    return waiting.promise;
  }

  async #onUnplacedLater(error: RpcError): Promise<never> {
    return this.#onUnplaced(error);
  }

  /** Serves what waits, where a connection has room again. */
  readonly #serve = (): void => {
    while (this.#waiting.size > 0) {
      const connection = this.#available();
      if (connection === undefined) return;
      const waiting = this.#waiting.shift() as WaitingCall;
      waiting.leave();
      connection.start(waiting.call).then(waiting.resolve, waiting.reject);
    }
  };

  /** The connection that calls waited for has gone. */
  #placeAgain(): void {
    const all = this.#waiting;
    this.#waiting = new WaitingCalls();
    for (let waiting = all.shift(); waiting !== undefined; waiting = all.shift()) {
      waiting.leave();
      this.#place(waiting.call).then(waiting.resolve, waiting.reject);
    }
  }

  #openAnother(): void {
    const { maxConnectionsPerPeer } = this.#limits;
    if (this.#opening !== undefined || this.#others.length + 1 >= maxConnectionsPerPeer) return;
    const controller = new AbortController();
    this.#opening = controller;
    const timeout = setTimeout(() => controller.abort(), this.#options.connectTimeoutMs ?? 5000);
    const lost = (): void => {
      this.#others = this.#others.filter((each) => each !== opened);
    };
    let opened: ClientConnection | undefined;
    const settle = (): void => {
      clearTimeout(timeout);
      this.#opening = undefined;
    };
    this.#connect(controller.signal, lost).then((connection) => {
      settle();
      opened = connection;
      if (connection.goingAway) return;
      this.#others.push(connection);
      this.#serve();
      if (this.#waiting.size > 0) this.#openAnother();
    }, settle);
  }

  /** Opens a connection; resolves when the server has said what it allows. */
  async #connect(signal: AbortSignal, lost: (reason: string) => void): Promise<ClientConnection> {
    let connection: ClientConnection | undefined;
    const socket = await dial(this.#address, this.#options.tls, signal, (bytes, length) =>
      connection?.receive(bytes, length),
    );
    const { promise, resolve, reject } = Promise.withResolvers<ClientConnection>();
    const opened = new ClientConnection(socket, {
      address: this.#address,
      wheel: this.#wheel,
      limits: this.#limits,
      fields: this.#fields,
      compression: this.#fields.compression,
      maxMetadataBytes: this.#options.maxMetadataBytes ?? DEFAULT_MAX_METADATA_BYTES,
      maxReceiveMessageBytes: this.#options.maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      maxSendMessageBytes: this.#options.maxSendMessageBytes,
      ready: () => resolve(opened),
      freed: this.#serve,
      over: this.#over,
      silence: () => {
        if (opened === this.#main) this.#changed();
      },
      lost: (reason, calm) => {
        // A8: a server that is pinged too often is pinged half as often from then on.
        if (calm) this.#calm *= 2;
        reject(new Error(reason));
        lost(reason);
      },
    });
    connection = opened;
    const keepaliveMs = (this.#options.keepaliveMs ?? 2_000) * this.#calm;
    const watch = new Watch(this.#wheel, opened as never, {
      keepaliveMs,
      quietMs: keepaliveMs * QUIET_PART,
      keepaliveTimeoutMs: this.#options.keepaliveTimeoutMs ?? 2_000,
      pingWhenIdle: false,
      patient: true,
    });
    signal.addEventListener("abort", () => opened.settled || opened.destroy("given up"), { once: true });
    socket.on("error", (error) => opened.destroy(error.message));
    socket.once("end", () => opened.destroy("the server closed it"));
    socket.once("close", () => {
      watch.stop();
      opened.destroy("it was closed");
    });
    return promise;
  }

  readonly #over = (): void => {
    this.#inflight--;
    if (this.#inflight === 0 && this.#closing !== undefined) this.#shut(this.#closing);
  };
}

import type { Call, Reply } from "../../core/call.ts";
import { Code } from "../../core/code.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { factsOf } from "../../core/facts.ts";
import { heldTls } from "../../core/held-tls.ts";
import { hold, letGo } from "../../core/hold.ts";
import { rejectedLater } from "../../core/later.ts";
import { Metadata } from "../../core/metadata.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { ClientTls, ConnectOptions, Peer, PeerState } from "../../core/transport.ts";
import { socketAddress } from "../address.ts";
import { overAlready } from "../cancelled.ts";
import { closedPeer } from "../closed-peer.ts";
import { createLink, type Link } from "../link.ts";
import { checkSentMetadata } from "../metadata-size.ts";
import { identityOf } from "../server-identity.ts";
import { shutAfter } from "../shut-after.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import type { TlsSessions } from "../tls-sessions.ts";
import type { ClientConnection } from "./client-connection.ts";
import { createDialler, type Dialler } from "./dialler.ts";
import type { Limits } from "./limits.ts";
import { createMoreConnections, type MoreConnections } from "./more-connections.ts";
import { WaitingCall } from "./waiting-call.ts";
import { WaitingCalls } from "./waiting-calls.ts";

/** What the peers of one transport have in common. */
export interface OfTransport {
  readonly limits: Limits;
  readonly wheel: TimerWheel;
  readonly sessions: TlsSessions;
}

/**
 * A server and our connections to it: one that is kept up for ever, and others while the server allows fewer streams
 * on a connection than there are calls.
 */
export class Http2Peer implements Peer {
  endpoint: Endpoint;
  readonly #address: string;
  readonly #options: ConnectOptions;
  readonly #tls: (() => ClientTls) | undefined;
  readonly #limits: Limits;
  readonly #wheel: TimerWheel;
  readonly #sessions: TlsSessions;
  readonly #link: Link<ClientConnection>;
  /** The connection that is kept up, while it is. */
  #main: ClientConnection | undefined;
  readonly #dialler: Dialler;
  readonly #more: MoreConnections;
  #waiting = new WaitingCalls();
  #serving = false;
  #inflight = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(endpoint: Endpoint, options: ConnectOptions, { limits, wheel, sessions }: OfTransport) {
    this.endpoint = endpoint;
    this.#address = endpoint.address;
    this.#options = options;
    this.#tls = options.tls && heldTls(options.tls, "client", factsOf(options));
    this.#limits = limits;
    this.#wheel = wheel;
    this.#sessions = sessions;
    this.#dialler = this.#createDialler();
    const { connectTimeoutMs = 5000 } = options;
    const facts = factsOf(options);
    this.#more = createMoreConnections({
      connect: this.#dialler.connect,
      most: limits.maxConnectionsPerPeer - 1,
      connectTimeoutMs,
      wanted: () => this.#waiting.size > 0,
      opened: this.#serve,
      address: this.#address,
      facts,
    });
    this.#link = createLink({
      address: this.#address,
      open: this.#openMain,
      connectTimeoutMs,
      shown: { certificate: this.#tls?.().cert !== undefined },
      changed: this.#changed,
      facts,
    });
  }

  #createDialler(): Dialler {
    const { compression = "identity", userAgent = "trunkline" } = this.#options;
    const scheme = this.#tls === undefined ? "http" : "https";
    return createDialler({
      address: this.#address,
      identity: () => identityOf(this.#tls?.(), this.endpoint),
      tls: this.#tls,
      options: this.#options,
      limits: this.#limits,
      wheel: this.#wheel,
      sessions: this.#sessions,
      fields: { scheme, authority: this.#authority(), userAgent, compression },
      freed: this.#serve,
      over: this.#over,
      elsewhere: (call) => this.#place(call),
      silence: (connection) => {
        if (connection === this.#main) this.#changed();
      },
    });
  }

  readonly #openMain = async (signal: AbortSignal, lost: (reason: string) => void): Promise<ClientConnection> => {
    let opened: ClientConnection | undefined;
    let gone = "the server goes away";
    opened = await this.#dialler.connect(signal, (reason) => {
      gone = reason;
      if (this.#main === opened) this.#main = undefined;
      lost(reason);
      this.#placeAgain();
    });
    // It may have gone as soon as it came.
    if (opened.goingAway) throw new Error(gone);
    this.#main = opened;
    return opened;
  };

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

  get failedHere(): boolean {
    return this.#closing === undefined && this.#link.failedHere;
  }

  readonly #changed = (): void => {
    if (this.#closing === undefined) this.#options.changed?.();
  };

  readonly handle = (call: Call): Promise<Reply> => {
    if (this.#closing !== undefined) return rejectedLater(closedPeer(this.#address));
    const early = overAlready(call);
    if (early !== undefined) return rejectedLater(early);
    if (call.metadata !== Metadata.EMPTY) {
      try {
        checkSentMetadata(call.metadata);
      } catch (error) {
        return Promise.reject(error as RpcError);
      }
    }
    this.#inflight++;
    if (!call.background) hold();
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
    for (const connection of this.#dialler.open) connection.destroy("it was closed");
    this.#shut(closing);
  };

  #shut({ resolve }: PromiseWithResolvers<void>): void {
    this.#link.close();
    this.#more.close();
    this.#main = undefined;
    resolve();
  }

  #authority(): string {
    const { serverName } = this.#tls?.() ?? {};
    const to = socketAddress(this.#address);
    if ("path" in to) return serverName ?? "localhost";
    return serverName === undefined ? this.#address : `${serverName}:${to.port}`;
  }

  /** Hands a call to a connection that can take it, or lets it wait for one. */
  #place(call: Call): Promise<Reply> {
    const available = this.#available();
    if (available !== undefined) return available.start(call);
    return this.#main === undefined ? this.#onceConnected(call) : this.#enqueue(call);
  }

  async #onceConnected(call: Call): Promise<Reply> {
    let placed = false;
    try {
      return await this.#link.connected(call, () => {
        placed = true;
        return this.#place(call);
      });
    } catch (error) {
      if (!placed) this.#over(call);
      throw error;
    }
  }

  #available(): ClientConnection | undefined {
    const main = this.#main;
    return main?.available === true ? main : this.#more.all.find((connection) => connection.available);
  }

  #enqueue(call: Call): Promise<Reply> {
    const asked = this.#confirmIdle();
    const { maxWaitingCalls } = this.#limits;
    if (!asked && this.#waiting.size >= maxWaitingCalls) {
      const why = `${maxWaitingCalls} calls wait for a free stream of ${this.#address} already`;
      this.#over(call);
      return rejectedLater(new RpcError(Code.UNAVAILABLE, why, { unprocessed: true }));
    }
    const waiting = new WaitingCall(call, this.#address, this.#wheel, (error) => {
      this.#waiting.remove(waiting);
      this.#over(call);
      waiting.reject(error);
    });
    this.#waiting.push(waiting);
    if (!asked) this.#more.open();
    return waiting.promise;
  }

  /** Asks connections that were idle whether they live: calls wait for the answer. False where there is none. */
  #confirmIdle(): boolean {
    let asked = false;
    for (const connection of [this.#main, ...this.#more.all]) {
      if (connection?.doubted !== true || connection.goingAway) continue;
      connection.confirm();
      asked = true;
    }
    return asked;
  }

  /** Serves what waits, where a connection has room again. */
  readonly #serve = (): void => {
    // A call that fails as it starts frees its stream at once: this loop sees it, and nothing nests.
    if (this.#serving) return;
    this.#serving = true;
    try {
      this.#serveInTurn();
    } finally {
      this.#serving = false;
    }
  };

  #serveInTurn(): void {
    while (this.#waiting.size > 0) {
      const connection = this.#available();
      if (connection === undefined) {
        if (this.#main !== undefined && !this.#confirmIdle()) this.#more.open();
        return;
      }
      const waiting = this.#waiting.shift() as WaitingCall;
      waiting.start((call) => connection.start(call));
    }
  }

  /** The connection that calls waited for has gone. */
  #placeAgain(): void {
    const all = this.#waiting;
    this.#waiting = new WaitingCalls();
    for (let waiting = all.shift(); waiting !== undefined; waiting = all.shift()) {
      waiting.start((call) => this.#place(call));
    }
  }

  readonly #over = (call: Call): void => {
    this.#inflight--;
    if (!call.background) letGo();
    if (this.#inflight === 0 && this.#closing !== undefined) this.#shut(this.#closing);
  };
}

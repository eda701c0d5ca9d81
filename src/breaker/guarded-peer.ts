import type { Handler } from "../core/call.ts";
import { isConnected } from "../core/connected.ts";
import { PeerAround } from "../core/peer-around.ts";
import type { Peer, PeerState } from "../core/transport.ts";
import type { Health } from "./health.ts";
import type { Stranger } from "./stranger.ts";

type Guard = Pick<Health, "closed" | "free" | "hurry" | "shutdown">;

/** For a peer without a circuit. */
export const alwaysWell: Guard = { closed: true, free: true, hurry() {}, shutdown() {} };

/** A peer with its circuit before it, and with what is known of whose server it is. */
export class GuardedPeer extends PeerAround {
  readonly #health: Guard;
  readonly #stranger: Stranger;

  constructor(inner: Peer, handle: Handler, health: Guard, stranger: Stranger) {
    super(inner, handle);
    this.#health = health;
    this.#stranger = stranger;
  }

  get #ejected(): boolean {
    return !this.#health.free && isConnected(this.inner);
  }
  get #unserved(): boolean {
    if (!this.#stranger.met) return false;
    const connected = isConnected(this.inner);
    // What was said over another connection says nothing of this one.
    if (!connected) this.#stranger.forget();
    return connected;
  }
  override get state(): PeerState {
    if (this.#ejected) return "ejected";
    return this.#unserved ? "unserved" : this.inner.state;
  }
  override get ready(): boolean {
    return this.inner.ready && this.#health.free && !this.#unserved;
  }
  override get onTrial(): boolean {
    return !this.#health.closed && this.#health.free;
  }
  override get reason(): string | undefined {
    if (this.#ejected) return "circuit open";
    return this.#unserved ? "it has no such service" : this.inner.reason;
  }
  override hurry(): void {
    this.#health.hurry();
  }
  override close(timeoutMs?: number): Promise<void> {
    this.#health.shutdown();
    this.#stranger.forget();
    return this.inner.close(timeoutMs);
  }
}

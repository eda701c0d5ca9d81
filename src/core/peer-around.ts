import type { Handler } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Peer, PeerState } from "./transport.ts";

/** A peer that stands around another: what a subclass does not say itself, the other says. */
export class PeerAround implements Peer {
  readonly handle: Handler;
  protected readonly inner: Peer;

  constructor(inner: Peer, handle: Handler = inner.handle) {
    this.inner = inner;
    this.handle = handle;
  }

  get endpoint(): Endpoint {
    return this.inner.endpoint;
  }
  set endpoint(endpoint: Endpoint) {
    this.inner.endpoint = endpoint;
  }
  get state(): PeerState {
    return this.inner.state;
  }
  get ready(): boolean {
    return this.inner.ready;
  }
  get onTrial(): boolean {
    return this.inner.onTrial === true;
  }
  get inflight(): number {
    return this.inner.inflight;
  }
  get reason(): string | undefined {
    return this.inner.reason;
  }
  get failedHere(): boolean {
    return this.inner.failedHere === true;
  }
  probe(): void {
    this.inner.probe?.();
  }
  hurry(): void {
    this.inner.hurry?.();
  }
  close(timeoutMs?: number): Promise<void> {
    return this.inner.close(timeoutMs);
  }
}

import type { CodeName } from "./code.ts";
import type { PeerState } from "./transport.ts";

/** What happens to a client's servers. `peer` and `address` are what the registry lists: `10.0.0.5:50051`. */
export interface PeerFacts {
  /** The registry has spoken of a service, and so many endpoints are new or no longer listed. */
  "endpoints-changed": {
    readonly service: string;
    readonly added: number;
    readonly missing: number;
    readonly known: number;
  };
  "endpoint-added": { readonly service: string; readonly address: string };
  "endpoint-dropped": { readonly service: string; readonly address: string };
  /** One that is listed is not connected to, as an option says. */
  "endpoint-left-out": { readonly service: string; readonly address: string; readonly reason: string };
  /** One that is listed cannot be connected to, whatever its server does. */
  "endpoint-unusable": { readonly service: string; readonly address: string; readonly error: unknown };
  /** The registry lost most endpoints at once: they are called on while they work. */
  "endpoints-doubted": { readonly service: string; readonly listed: number; readonly doubtful: number };
  "peer-state-changed": {
    readonly service: string;
    readonly peer: string;
    /** `undefined` where it is new. */
    readonly from: PeerState | undefined;
    /** `closed` where it is the last that is heard of it. */
    readonly to: PeerState;
    readonly reason: string | undefined;
  };
  "peer-unclosed": { readonly service: string; readonly address: string; readonly error: unknown };
  /** The server at this address has no such service: calls go to others for a while. */
  "peer-unserved": { readonly service: string; readonly peer: string };
  /** A server's own health service says that it serves, or has none. */
  "peer-healthy": { readonly peer: string; readonly service: string };
  "peer-unhealthy": { readonly peer: string; readonly service: string; readonly reason: string };
  /** Most circuits of a service are open: all connected peers are called. */
  "panic-began": { readonly service: string };
  "panic-ended": { readonly service: string };
  /** No call came for `idleTimeoutMs`: a service's servers are let go. */
  "service-idle": { readonly service: string; readonly idleTimeoutMs: number };
  /** The registry could put any server in place of a client's, as far as TLS can tell. */
  "server-name-open": object;

  /** A peer's faults were too many. */
  "circuit-opened": {
    readonly service: string | undefined;
    readonly peer: string;
    /** Milliseconds until a call may show that it is well again. */
    readonly openMs: number;
    /** Of the last fault. */
    readonly code: CodeName;
    readonly message: string;
  };
  /** The call that was to show whether the peer is well again failed. */
  "circuit-reopened": { readonly service: string | undefined; readonly peer: string; readonly openMs: number };
  /** One call may show whether the peer is well again. */
  "circuit-half-open": { readonly service: string | undefined; readonly peer: string };
  "circuit-closed": { readonly service: string | undefined; readonly peer: string };
  /** The peer went while its circuit was not closed. */
  "circuit-dropped": { readonly service: string | undefined; readonly peer: string };
}

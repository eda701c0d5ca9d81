/**
 * Where the way to a service stands, in gRPC's words (https://github.com/grpc/grpc/blob/master/doc/connectivity-semantics-and-api.md).
 * - `IDLE`: nobody has asked for the service, or not for long. The next call looks up its servers.
 * - `CONNECTING`: its servers are being looked up, or connected to. A call waits.
 * - `READY`: a call can be sent.
 * - `TRANSIENT_FAILURE`: no server can take a call: none is found, none can be reached, or all circuits are open. It is
 *   tried again in the background; a call fails at once, unless it is to `waitForReady`.
 * - `SHUTDOWN`: the channel was closed.
 */
export type ChannelState = "IDLE" | "CONNECTING" | "READY" | "TRANSIENT_FAILURE" | "SHUTDOWN";

import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Peer } from "../core/transport.ts";
import type { Snapshot } from "../registry/registry.ts";

/** Reasons that one error names; with a thousand servers there may be many. */
const mostReasons = 3;

/** UNAVAILABLE where the registry lists nobody for a service, or nobody of use, or has not said. */
export function nobodyListed(service: string, heard: Snapshot | undefined, refusal: string | undefined): RpcError {
  const listed = heard?.endpoints.length ?? 0;
  if (refusal !== undefined) return unavailable(`no endpoint of ${service} can be used (${listed} listed: ${refusal})`);
  if (heard?.state === "current") {
    const { incomplete } = heard;
    const which = incomplete === undefined ? "is registered (the registry says so)" : `can be read (${incomplete})`;
    return unavailable(`no endpoint of ${service} ${which}`);
  }
  const why = heard?.reason === undefined ? "has not answered yet" : `cannot be reached: ${heard.reason}`;
  return unavailable(`no endpoint of ${service} is known (the registry ${why})`);
}

/** Why none of the peers that could take a call of the method can take it now; without one, of any. */
export function nobodyReady(
  service: string,
  method: string | undefined,
  peers: readonly Peer[],
  known: number,
): string {
  const which = peers.length < known ? `${service} that serves ${method}` : service;
  const of = (state: Peer["state"]) => peers.filter((peer) => peer.state === state);
  const parts = [
    `${known} known`,
    ...(peers.length < known ? [`${peers.length} of them with the method`] : []),
    ...counted(of("ejected"), "with an open circuit"),
    ...counted(of("failed"), "not connected", true),
    ...counted(of("connecting"), "still connecting"),
    ...counted(of("silent"), "not answering"),
    ...counted(of("unserved"), "without the service"),
    ...counted(of("ready"), "ready, but the balancer picked none"),
  ];
  return `no endpoint of ${which} is ready (${parts.join(", ")})`;
}

function counted(peers: readonly Peer[], what: string, withReasons = false): string[] {
  if (peers.length === 0) return [];
  const reasons = withReasons ? [...new Set(peers.flatMap(({ reason }) => reason ?? []))] : [];
  const more = reasons.length > mostReasons ? ["..."] : [];
  const why = reasons.length === 0 ? "" : `: ${[...reasons.slice(0, mostReasons), ...more].join("; ")}`;
  return [`${peers.length} ${what}${why}`];
}

/** True where none of them is connected, and each for what lies on this side: no server had a part in it. */
export function allFailedHere(peers: readonly Peer[]): boolean {
  return peers.length > 0 && peers.every(({ failedHere }) => failedHere === true);
}

/** UNAVAILABLE, and sent nowhere. */
export function unavailable(message: string, local = false): RpcError {
  return new RpcError(Code.UNAVAILABLE, message, { unprocessed: true, local });
}

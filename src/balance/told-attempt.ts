import type { Call, Reply } from "../core/call.ts";
import type { PickReason } from "../core/call-facts.ts";
import type { Clock } from "../core/clock.ts";
import type { CodeName } from "../core/code.ts";
import type { Facts } from "../core/facts.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Peer } from "../core/transport.ts";

/** Makes an attempt at a peer, and tells why there and how it ended. Where somebody listens. */
export function toldAttempt({ on }: Facts, clock: Clock, peer: Peer, call: Call, waitedMs?: number): Promise<Reply> {
  const tell = on["attempt-ended"];
  const tellPicked = on["attempt-picked"];
  if (tell === undefined && tellPicked === undefined) return peer.handle(call);
  const fields = { method: call.method.path, attempt: call.attempt, peer: peer.endpoint.address };
  tellPicked?.({ ...fields, why: reasonFor(peer, waitedMs), waitedMs: waitedMs ?? 0 });
  if (tell === undefined) return peer.handle(call);
  const startedMs = clock.now();
  const ended = (code: CodeName): void => tell({ ...fields, code, tookMs: clock.now() - startedMs });
  return peer.handle(call).then(
    (reply) => {
      ended("OK");
      return reply;
    },
    (error) => {
      ended(RpcError.from(error).codeName);
      throw error;
    },
  );
}

function reasonFor(peer: Peer, waitedMs: number | undefined): PickReason {
  if (peer.state === "ejected") return "panic";
  if (peer.state === "silent") return "silent";
  if (peer.state === "unserved") return "nobody-else";
  if (peer.onTrial === true) return "trial";
  return waitedMs === undefined ? "balanced" : "waited";
}

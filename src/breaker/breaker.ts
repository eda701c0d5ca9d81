import { noteBegin } from "../core/attempt-time.ts";
import type { Call, Reply } from "../core/call.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { CodeName } from "../core/code.ts";
import { createFacts } from "../core/facts.ts";
import { RpcError } from "../core/rpc-error.ts";
import { leaveTrail } from "../core/trail.ts";
import type { Peer } from "../core/transport.ts";
import { INCONCLUSIVE } from "./circuit.ts";
import { alwaysWell, GuardedPeer } from "./guarded-peer.ts";
import { createHealth, type HealthOptions, type Whose } from "./health.ts";
import { createStranger, type Stranger } from "./stranger.ts";
import { judge, SERVER_FAULTS, type Verdict } from "./verdict.ts";

export type { CircuitState } from "./circuit.ts";

export interface BreakerOptions extends HealthOptions {
  /** Codes that count against the server; DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS by default. */
  readonly faults?: readonly CodeName[] | undefined;
  /** Milliseconds that a server must have had for a call before a missed deadline counts against it; 100 by default. */
  readonly fairTimeMs?: number | undefined;
  /** Milliseconds after which a probe that has no answer has failed; 5,000 by default. The call itself goes on. */
  readonly probeTimeoutMs?: number | undefined;
}

/**
 * A circuit breaker around one peer. Stands below `balance`: each peer has a circuit of its own, and an open one is
 * walked around, because it clears `ready`. `changed` is called whenever the circuit changes that.
 *
 * A balancer that has nothing better may still call a peer whose circuit is open. Such a call goes through. Its answer
 * is as good as a probe's and closes the circuit; its failure says nothing new. For a stream, to open is the outcome.
 *
 * Errors on their way up are given the peer's address, and a server that has not the service at all is walked around;
 * see `stranger.ts`. `false` leaves out the circuit and does only that.
 */
export function breaker(
  peer: Peer,
  options: BreakerOptions | false = {},
  changed: () => void = () => {},
  whose: Whose = {},
): Peer {
  const facts = whose.facts ?? createFacts();
  const strangerBy = (clock: Clock): Stranger => createStranger(peer, clock, facts, changed);
  if (options === false) return uncircuited(peer, strangerBy(systemClock));
  return circuited(peer, { ...options, ...whose }, changed, strangerBy);
}

function uncircuited(peer: Peer, stranger: Stranger): Peer {
  const failed = (error: unknown): never => named(stranger.look(error, false), peer);
  const failedAsKnown = (error: unknown): never => named(stranger.look(error, true), peer);
  const handle = (call: Call): Promise<Reply> => {
    if (call.values !== undefined) leaveTrail(call, peer.endpoint.address);
    return peer.handle(call).then(undefined, stranger.met ? failedAsKnown : failed);
  };
  return new GuardedPeer(peer, handle, alwaysWell, stranger);
}

function circuited(
  peer: Peer,
  options: BreakerOptions & Whose,
  changed: () => void,
  strangerBy: (clock: Clock) => Stranger,
): Peer {
  const { faults = SERVER_FAULTS, fairTimeMs = 100, probeTimeoutMs = 5_000, clock = systemClock } = options;
  const faultCodes: ReadonlySet<string> = new Set(faults);
  const health = createHealth(() => peer.endpoint, options, changed);
  const stranger = strangerBy(clock);

  function handle(call: Call): Promise<Reply> {
    if (call.values !== undefined) leaveTrail(call, peer.endpoint.address);
    if (!health.closed && health.free) return probe(call);
    const startedMs = clock.now();
    const { trips } = health;
    const onReply = health.closed ? answered : answeredWhileOpen(trips);
    if (stranger.met) return peer.handle(call).then(onReply, failedAsKnown);
    return peer.handle(call).then(onReply, (thrown) => {
      const error = stranger.look(thrown, false);
      health.count(verdictOn(error, call, startedMs), error, trips);
      noteBegin(error, startedMs);
      return named(error, peer);
    });
  }

  /** There is no other server: what it says stands, and tells nothing of its circuit. */
  function failedAsKnown(error: unknown): never {
    return named(stranger.look(error, true), peer);
  }

  function answered(reply: Reply): Reply {
    health.answered();
    return reply;
  }

  function answeredWhileOpen(trips: number): (reply: Reply) => Reply {
    return (reply) => {
      health.answeredWhileOpen(trips);
      return reply;
    };
  }

  function verdictOn(error: unknown, { deadline }: Call, startedMs: number): Verdict {
    const nowMs = clock.now();
    return judge(error, { elapsedMs: nowMs - startedMs, lateMs: nowMs - deadline }, faultCodes, fairTimeMs);
  }

  function probe(call: Call): Promise<Reply> {
    const startedMs = clock.now();
    const { trips } = health;
    const reply = peer.handle(call);
    const outcome = new Promise<void>((resolve, reject) => {
      const cancel = clock.setTimeout(() => reject(new Error("no answer to the probe")), probeTimeoutMs);
      const settle = (verdict: Verdict, error?: unknown) => {
        cancel();
        // Another call's answer has closed the circuit meanwhile, and it has opened again: this one is of the past.
        if (trips !== health.trips) return;
        if (verdict === "answered") resolve();
        else reject(verdict === "fault" ? error : INCONCLUSIVE);
      };
      reply.then(
        () => settle("answered"),
        (error) => settle(verdictOn(error, call, startedMs), error),
      );
    });
    health.probe(outcome);
    const isKnown = stranger.met;
    return reply.then(undefined, (thrown) => {
      const error = stranger.look(thrown, isKnown);
      noteBegin(error, startedMs);
      return named(error, peer);
    });
  }

  return new GuardedPeer(peer, handle, health, stranger);
}

function named(error: unknown, peer: Peer): never {
  if (RpcError.is(error)) error.peer ??= peer.endpoint.address;
  throw error;
}

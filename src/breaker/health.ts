import { type Clock, systemClock } from "../core/clock.ts";
import type { EjectionPolicy } from "../core/ejection-policy.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { type Facts, factsOf } from "../core/facts.ts";
import type { Logger } from "../core/logger.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type AccrualOptions, accrual } from "./accrual.ts";
import { type Circuit, type CircuitOptions, type CircuitState, createCircuit } from "./circuit.ts";
import type { Verdict } from "./verdict.ts";

export interface HealthOptions extends AccrualOptions, CircuitOptions {
  /** Called after each change of a circuit. */
  readonly onChange?: ((state: CircuitState, endpoint: Endpoint) => void) | undefined;
  /** In place of its channel's. */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

/** Whose circuit it is, and who is told of it. */
export interface Whose {
  readonly service?: string | undefined;
  readonly facts?: Facts | undefined;
  /** What operators say over the options, whenever it is asked. */
  readonly ejection?: (() => EjectionPolicy | undefined) | undefined;
}

/** One peer's health: what its calls say of it, and the circuit that opens when that is bad. */
export interface Health {
  /** True while the circuit is closed. */
  readonly closed: boolean;
  /** True when a call may go: the circuit is closed, or half-open with its probe still to be sent. */
  readonly free: boolean;
  /** How often the circuit has opened. A call from before the last time tells nothing of the peer now. */
  readonly trips: number;
  /** Counts an answer while the circuit is closed. */
  answered(): void;
  /** An answer while it is not, to a call that began when it had opened `trips` times. */
  answeredWhileOpen(trips: number): void;
  /** Counts the end of a call that began when the circuit had opened `trips` times. */
  count(verdict: Verdict, error: unknown, trips: number): void;
  /** Sends the probe; see `Circuit`. */
  probe(outcome: Promise<void>): void;
  /** Lets a probe be sent before its time, though not sooner than half a second after the last. */
  hurry(): void;
  shutdown(): void;
}

/** The least that a circuit stays open, in milliseconds, where there is no other server to call. */
const hurriedOpenMs = 500;

/** `endpoint` is asked at each change, since a peer's endpoint may be replaced. */
export function createHealth(endpoint: () => Endpoint, options: HealthOptions & Whose, changed: () => void): Health {
  const { onChange, clock = systemClock, service, ejection } = options;
  const facts = factsOf(options);
  const counts = accrual(latest);
  // Made at the first trip: a peer that never fails costs no opossum.
  let circuit: Circuit | undefined;
  let closed = true;
  let closedAtMs = 0;
  let openedAtMs = 0;
  let trips = 0;
  let tripping = false;

  function latest(): HealthOptions {
    const said = ejection?.();
    return said === undefined ? options : { ...options, ...said };
  }

  function circuitChanged(state: CircuitState): void {
    closed = state === "closed";
    const fields = { service, peer: endpoint().address };
    if (closed) {
      closedAtMs = clock.now();
      counts.reset();
      facts.on["circuit-closed"]?.(fields);
    } else if (state === "half-open") facts.on["circuit-half-open"]?.(fields);
    else {
      openedAtMs = clock.now();
      if (!tripping) facts.on["circuit-reopened"]?.({ ...fields, openMs: circuit?.openedForMs ?? 0 });
    }
    changed();
    tell(state);
  }

  function tell(state: CircuitState): void {
    try {
      onChange?.(state, endpoint());
    } catch (error) {
      facts.on["listener-threw"]?.({ to: "the breaker", service, peer: endpoint().address, error });
    }
  }

  function trip(error: unknown): void {
    circuit ??= createCircuit(latest, circuitChanged);
    trips++;
    // One that closed for a shorter time than it had been open is not well yet.
    tripping = true;
    circuit.open(clock.now() - closedAtMs < circuit.openedForMs);
    tripping = false;
    const { codeName, message } = RpcError.from(error);
    const fields = { service, peer: endpoint().address, openMs: circuit.openedForMs, code: codeName, message };
    facts.on["circuit-opened"]?.(fields);
  }

  return {
    get closed() {
      return closed;
    },
    get free() {
      return closed || circuit?.free === true;
    },
    get trips() {
      return trips;
    },
    answered: counts.answered,
    count(verdict, error, since) {
      if (!closed || since !== trips) return;
      if (verdict === "answered") counts.answered();
      else if (verdict === "fault" && counts.faulted(clock.now())) trip(error);
    },
    answeredWhileOpen(since) {
      if (!closed && since === trips) circuit?.close();
    },
    probe(outcome) {
      circuit?.probe(outcome);
      changed();
    },
    hurry() {
      if (!closed && clock.now() - openedAtMs >= hurriedOpenMs) circuit?.hurry();
    },
    shutdown() {
      circuit?.shutdown();
      if (!closed) facts.on["circuit-dropped"]?.({ service, peer: endpoint().address });
      closed = true;
    },
  };
}

import type { Attributes } from "@opentelemetry/api";
import type { Side } from "../core/call-facts.ts";
import { now } from "../core/deadline.ts";
import type { FactListeners, FactOf } from "../core/facts.ts";
import type { InstrumentKey } from "./instruments.ts";
import { createMeasuring, type Measuring } from "./measuring.ts";

/**
 * An observer that measures what happens between calls and around them, by OpenTelemetry: attempts, retries, the retry
 * budget, picks, peers and circuits by their state, connections, queues and refusals, the registry and the registrations.
 * `docs/operations.md` has the names. The durations of calls are `metrics()`'s, which stands among `interceptors`.
 *
 * ```ts
 * const observers = [meters()];
 * const channel = createChannel({ registry, observers, interceptors: [metrics()] });
 * ```
 *
 * An SDK may be registered at any time; without one next to nothing is done. No address of a peer is among the
 * attributes, so that their number is that of services and methods, whatever the fleet's size.
 */
export function meters(): FactListeners {
  const measuring = createMeasuring();
  return {
    ...ofCalls(measuring),
    ...ofAttempts(measuring),
    ...ofPeers(measuring),
    ...ofConnections(measuring),
    ...ofServers(measuring),
    ...ofRegistries(measuring),
  };
}

function methodOf(path: string): Attributes {
  return { "rpc.system.name": "grpc", "rpc.method": path.slice(1) };
}

/** A client's name for a service that has many servers, as in the durations of calls. */
function serviceOf(service: string | undefined): Attributes {
  return service === undefined ? {} : { "server.address": service };
}

function ofCalls({ count, kept }: Measuring): FactListeners {
  const active = (side: Side): InstrumentKey => (side === "client" ? "clientCalls" : "serverCalls");
  return {
    "call-began": ({ side, method }) => kept(active(side)).add(1, methodOf(method)),
    "call-ended"({ side, method, sent, received }) {
      const attributes = methodOf(method);
      kept(active(side)).add(-1, attributes);
      count(side === "client" ? "clientSent" : "serverSent", attributes, sent);
      count(side === "client" ? "clientReceived" : "serverReceived", attributes, received);
    },
  };
}

function ofAttempts({ count, time, kept }: Measuring): FactListeners {
  const left = (budget: number): void => kept("budget").set(budget, {});
  return {
    "attempt-picked"({ method, why, waitedMs }) {
      count("picks", { ...methodOf(method), "trunkline.pick.reason": why });
      if (waitedMs > 0) time("pickWaits", waitedMs, methodOf(method));
    },
    "attempt-ended": ({ method, code, tookMs }) =>
      time("attempts", tookMs, { ...methodOf(method), "rpc.status_code": code }),
    "retry-planned"({ method, budgetLeft }) {
      count("retries", methodOf(method));
      left(budgetLeft);
    },
    "hedge-sent"({ method, budgetLeft }) {
      count("hedges", methodOf(method));
      left(budgetLeft);
    },
    "budget-exhausted"({ method }) {
      count("budgetSpent", methodOf(method));
      left(0);
    },
  };
}

type Whose = Pick<FactOf<"circuit-closed">, "service" | "peer">;

function ofPeers({ count, kept }: Measuring): FactListeners {
  /** What is not closed, so that what it was can be taken back. */
  const circuits = new Map<string, string>();
  const circuit = (
    { service, peer }: Whose,
    state: "open" | "half-open" | undefined,
    told = state ?? "closed",
  ): void => {
    const key = `${service}\n${peer}`;
    const was = circuits.get(key);
    const stands = (each: string): Attributes => ({ ...serviceOf(service), "trunkline.circuit.state": each });
    if (was !== undefined) kept("circuits").add(-1, stands(was));
    if (state === undefined) circuits.delete(key);
    else {
      circuits.set(key, state);
      kept("circuits").add(1, stands(state));
    }
    if (told !== "") count("circuitChanges", stands(told));
  };
  return {
    "peer-state-changed"({ service, from, to }) {
      const stands = (state: string): Attributes => ({ ...serviceOf(service), "trunkline.peer.state": state });
      if (from !== undefined) kept("peers").add(-1, stands(from));
      if (to !== "closed") kept("peers").add(1, stands(to));
    },
    "circuit-opened": (fact) => circuit(fact, "open"),
    "circuit-reopened": (fact) => circuit(fact, "open"),
    "circuit-half-open": (fact) => circuit(fact, "half-open"),
    "circuit-closed": (fact) => circuit(fact, undefined),
    "circuit-dropped": (fact) => circuit(fact, undefined, ""),
    "panic-began": ({ service }) => kept("panics").set(1, serviceOf(service)),
    "panic-ended": ({ service }) => kept("panics").set(0, serviceOf(service)),
  };
}

function ofConnections({ count, time, kept }: Measuring): FactListeners {
  const refused = (reason: string): void => count("connectionRefusals", { "trunkline.refusal.reason": reason });
  return {
    "connection-opened": ({ side }) => kept(side === "client" ? "clientConnections" : "serverConnections").add(1, {}),
    "connection-closed"({ side, heldMs, bytesReceived, bytesSent }) {
      const isClient = side === "client";
      kept(isClient ? "clientConnections" : "serverConnections").add(-1, {});
      time(isClient ? "clientConnectionTimes" : "serverConnectionTimes", heldMs, {});
      const bytes = isClient ? "clientBytes" : "serverBytes";
      if (bytesReceived !== undefined) count(bytes, { "trunkline.io.direction": "receive" }, bytesReceived);
      if (bytesSent !== undefined) count(bytes, { "trunkline.io.direction": "transmit" }, bytesSent);
    },
    "connection-failed": () => count("connectionFailures", {}),
    "connection-refused": () => refused("limit"),
    "handshake-failed": () => refused("handshake"),
    "client-turned-away": () => refused("protocol"),
    "descriptors-spent": () => refused("descriptors"),
    "certificate-expiring": ({ expiresAt }) => timeLeft(expiresAt),
    "certificate-expired": ({ expiresAt }) => timeLeft(expiresAt),
    "certificate-taken"({ expiresAt }) {
      if (expiresAt !== undefined) timeLeft(expiresAt);
    },
  };

  function timeLeft(expiresAt: Date): void {
    kept("certificate").set(() => (expiresAt.getTime() - Date.now()) / 1_000, {});
  }
}

function ofServers({ count, time, kept }: Measuring): FactListeners {
  const fault = (method: string, which: string): void =>
    count("handlerFaults", { ...methodOf(method), "trunkline.fault": which });
  return {
    "limit-refused": ({ limit, method }) => count("refusals", { ...methodOf(method), "trunkline.limit": limit }),
    "call-queued": () => kept("queue").add(1, {}),
    "call-dequeued"({ method, waitedMs, started }) {
      kept("queue").add(-1, {});
      time("queueWaits", waitedMs, { ...methodOf(method), "trunkline.queue.started": started });
    },
    "handler-threw": ({ method }) => fault(method, "threw"),
    "reply-malformed": ({ method }) => fault(method, "malformed"),
    "reply-unsent": ({ method }) => fault(method, "unsent"),
    "caller-refused": ({ method }) => count("callersRefused", methodOf(method)),
  };
}

function ofRegistries({ count, kept }: Measuring): FactListeners {
  const became = (state: string) => (): void => count("registrations", { "trunkline.registration.state": state });
  return {
    "registry-snapshot"({ service, endpoints, state }) {
      const attributes = serviceOf(service);
      const heardAtMs = now();
      kept("endpoints").set(endpoints, attributes);
      kept("registryDoubt").set(state === "current" ? 0 : 1, attributes);
      if (state === "current") kept("registryAge").set(() => (now() - heardAtMs) / 1_000, attributes);
    },
    "registry-lost": () => count("outages", {}),
    "registry-doubted": ({ service }) => count("doubts", serviceOf(service)),
    "endpoints-doubted": ({ service }) => count("doubts", serviceOf(service)),
    "registration-made": became("made"),
    "registration-kept": became("kept"),
    "registration-failing": became("failing"),
    "registration-lost": became("lost"),
    "registration-restored": became("restored"),
    "registration-ended": became("ended"),
  };
}

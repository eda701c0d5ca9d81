import type { MetricOptions } from "@opentelemetry/api";

/** How a metric is measured. A `sum` and a `gauge` are numbers that stand, read whenever somebody collects them. */
export type InstrumentType = "counter" | "histogram" | "sum" | "gauge";

export interface Instrument extends Required<Pick<MetricOptions, "unit" | "description">> {
  readonly type: InstrumentType;
  readonly name: string;
}

function counter(name: string, unit: string, description: string): Instrument {
  return { type: "counter", name: `trunkline.${name}`, unit, description };
}

function histogram(name: string, description: string): Instrument {
  return { type: "histogram", name: `trunkline.${name}`, unit: "s", description };
}

/** Of several processes it may be added up. */
function sum(name: string, unit: string, description: string): Instrument {
  return { type: "sum", name: `trunkline.${name}`, unit, description };
}

function gauge(name: string, unit: string, description: string): Instrument {
  return { type: "gauge", name: `trunkline.${name}`, unit, description };
}

export type InstrumentKey =
  | "clientCalls"
  | "serverCalls"
  | "clientSent"
  | "clientReceived"
  | "serverSent"
  | "serverReceived"
  | "attempts"
  | "picks"
  | "pickWaits"
  | "retries"
  | "hedges"
  | "budget"
  | "budgetSpent"
  | "peers"
  | "circuits"
  | "circuitChanges"
  | "panics"
  | "clientConnections"
  | "serverConnections"
  | "clientConnectionTimes"
  | "serverConnectionTimes"
  | "clientBytes"
  | "serverBytes"
  | "connectionFailures"
  | "connectionRefusals"
  | "refusals"
  | "queue"
  | "queueWaits"
  | "handlerFaults"
  | "callersRefused"
  | "endpoints"
  | "registryAge"
  | "registryDoubt"
  | "outages"
  | "doubts"
  | "registrations"
  | "certificate";

/** What `meters()` measures, beside the durations of calls, which are `metrics()`'s. */
export const INSTRUMENTS: Readonly<Record<InstrumentKey, Instrument>> = {
  clientCalls: sum("client.active_calls", "{call}", "Calls that a client has under way, open streams counted."),
  serverCalls: sum("server.active_calls", "{call}", "Calls that a server has under way, open streams counted."),
  clientSent: counter("client.sent_messages", "{message}", "Requests that clients sent, told as each call ends."),
  clientReceived: counter(
    "client.received_messages",
    "{message}",
    "Replies that clients read, told as each call ends.",
  ),
  serverSent: counter("server.sent_messages", "{message}", "Replies that servers sent, told as each call ends."),
  serverReceived: counter(
    "server.received_messages",
    "{message}",
    "Requests that handlers were given, told as each call ends.",
  ),

  attempts: histogram("client.attempt.duration", "Duration of an attempt at a peer; of a stream, until it opened."),
  picks: counter("client.picks", "{pick}", "Peers that balancers picked, by why."),
  pickWaits: histogram("client.pick.wait.duration", "Time that attempts waited for a peer, of those that waited."),
  retries: counter("client.retries", "{retry}", "Calls that were sent again after an attempt failed."),
  hedges: counter("client.hedges", "{hedge}", "Attempts that were sent beside one that had no answer yet."),
  budget: gauge(
    "client.retry_budget.left",
    "{retry}",
    "Retries that a channel could still make when it last made one.",
  ),
  budgetSpent: counter(
    "client.retry_budget.exhausted",
    "{call}",
    "Calls that were not sent again since the budget was spent.",
  ),

  peers: sum("client.peers", "{peer}", "Peers by their state."),
  circuits: sum("client.circuits", "{circuit}", "Circuits that are not closed, by their state."),
  circuitChanges: counter("client.circuit.changes", "{change}", "Changes of circuits, by what they came to be."),
  panics: gauge(
    "client.panics",
    "{service}",
    "1 while most circuits of a service are open, and all connected peers are called.",
  ),

  clientConnections: sum("client.connections", "{connection}", "Connections of clients that are up."),
  serverConnections: sum("server.connections", "{connection}", "Connections of servers that are up."),
  clientConnectionTimes: histogram("client.connection.duration", "How long connections of clients held."),
  serverConnectionTimes: histogram("server.connection.duration", "How long connections of servers held."),
  clientBytes: counter("client.io", "By", "Octets over the connections of clients, told as each connection ends."),
  serverBytes: counter("server.io", "By", "Octets over the connections of servers, told as each connection ends."),
  connectionFailures: counter("client.connection.failures", "{connection}", "Tries at a connection that failed."),
  connectionRefusals: counter(
    "server.connection.refusals",
    "{connection}",
    "Connections that were turned away, by why.",
  ),

  refusals: counter("server.limit.refusals", "{call}", "Calls that a limit refused."),
  queue: sum("server.queue.length", "{call}", "Calls that wait, since the server is full."),
  queueWaits: histogram("server.queue.duration", "Time that calls waited for a full server."),
  handlerFaults: counter(
    "server.handler.faults",
    "{fault}",
    "Handlers that threw no RpcError or answered what is no reply, by which.",
  ),
  callersRefused: counter("server.callers_refused", "{call}", "Calls whose credentials were not right."),

  endpoints: gauge("registry.endpoints", "{endpoint}", "Endpoints that the registry lists."),
  registryAge: gauge("registry.age", "s", "Time since the registry last spoke of a service."),
  registryDoubt: gauge(
    "registry.stale",
    "{service}",
    "1 while what is known of a service is not what the registry says now.",
  ),
  outages: counter("registry.outages", "{outage}", "Times that the registry could not be reached any more."),
  doubts: counter(
    "registry.doubts",
    "{doubt}",
    "Times that so much was missing from the registry that it was not believed.",
  ),
  registrations: counter("registration.changes", "{change}", "What became of this process's registrations."),
  certificate: gauge("certificate.time_left", "s", "Time until a certificate ends, once that is near."),
};

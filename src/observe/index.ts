// `trunkline/observe`: what happens, as facts; logs by pino, spans and durations by OpenTelemetry.
export type { PickReason, Side } from "../core/call-facts.ts";
export type {
  AttemptRecord,
  CallRecord,
  PeerRecord,
  PeersRecord,
  RegistryRecord,
  StopReason,
} from "../core/call-record.ts";
export { explainCall } from "../core/explain-call.ts";
export type { Fact, FactFields, FactKind, FactListeners, FactOf, Observer } from "../core/facts.ts";
export { createLogger } from "./logging.ts";
export { meters } from "./meters.ts";
export { metrics } from "./metrics.ts";
export { type Recorder, type RecorderOptions, recorder } from "./recorder.ts";
export { tracing } from "./tracing.ts";

// `trunkline/observe`: logs by pino, spans and durations by OpenTelemetry.
export { createLogger } from "./logging.ts";
export { metrics } from "./metrics.ts";
export { tracing } from "./tracing.ts";

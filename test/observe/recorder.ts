import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  type ContextManager,
  context,
  type Meter,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanOptions,
  type TextMapPropagator,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";

export interface RecordedSpan {
  readonly name: string;
  readonly kind: number | undefined;
  readonly attributes: Attributes;
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  /** What was noted in it. */
  readonly events: { name: string; attributes: Attributes }[];
  status: { code: number; message?: string } | undefined;
  ended: number;
}

export interface Recording {
  readonly spans: RecordedSpan[];
  readonly measurements: { name: string; seconds: number; attributes: Attributes }[];
  stop(): void;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** Registers with the OpenTelemetry API what a test needs of an SDK: spans, histograms, context and `traceparent`. */
export function record(): Recording {
  const spans: RecordedSpan[] = [];
  const measurements: Recording["measurements"] = [];
  const tracer = { startSpan: (name, options, within) => start(spans, name, options, within) } as Tracer;
  const meter = {
    createHistogram: (name: string) => ({
      record: (seconds: number, attributes: Attributes) => measurements.push({ name, seconds, attributes }),
    }),
  } as unknown as Meter;
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  context.setGlobalContextManager(contextManager());
  propagation.setGlobalPropagator(traceparent);
  const stop = (): void => {
    for (const api of [trace, metrics, context, propagation]) api.disable();
  };
  return { spans, measurements, stop };
}

function start(spans: RecordedSpan[], name: string, options: SpanOptions = {}, within?: Context): Span {
  const parent = trace.getSpanContext(within ?? context.active());
  const spanContext: SpanContext = {
    traceId: parent?.traceId ?? hex(spans.length + 1, 32),
    spanId: hex(spans.length + 1, 16),
    traceFlags: TraceFlags.SAMPLED,
  };
  const recorded: RecordedSpan = {
    name,
    kind: options.kind,
    attributes: { ...options.attributes },
    context: spanContext,
    parent,
    events: [],
    status: undefined,
    ended: 0,
  };
  spans.push(recorded);
  return {
    spanContext: () => spanContext,
    setAttributes: (attributes: Attributes) => Object.assign(recorded.attributes, attributes),
    addEvent(name: string, about: Attributes = {}) {
      recorded.events.push({ name, attributes: about });
    },
    setStatus: (status: RecordedSpan["status"]) => {
      recorded.status = status;
    },
    end: () => recorded.ended++,
  } as unknown as Span;
}

function contextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (within, run, self, ...args) => storage.run(within, () => run.apply(self as never, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

const traceparent: TextMapPropagator = {
  inject(within, carrier, setter) {
    const span = trace.getSpanContext(within);
    if (span !== undefined) setter.set(carrier, "traceparent", `00-${span.traceId}-${span.spanId}-01`);
  },
  extract(within, carrier, getter) {
    const [, traceId, spanId] = String(getter.get(carrier, "traceparent") ?? "").split("-");
    if (traceId === undefined || spanId === undefined) return within;
    return trace.setSpanContext(within, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  },
  fields: () => ["traceparent"],
};

import {
  type Attributes,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import type { Call, Handler, Interceptor, Reply } from "../core/call.ts";
import type { Metadata } from "../core/metadata.ts";
import type { RpcError } from "../core/rpc-error.ts";
import { newTrail, type Trail, trailKey } from "../core/trail.ts";
import { watched } from "../core/watched.ts";
import { callAttributes, endAttributes, isFailure, peerAttributes, sideOf } from "./attributes.ts";

/**
 * A span for each call, by OpenTelemetry's conventions for gRPC, on a client or on a server. The trace goes with the
 * call as the registered propagator writes it (`traceparent` by W3C's). On a client it may stand among `interceptors`,
 * for a span a call, among `attemptInterceptors`, for one an attempt, or both: the attempts are then the call's
 * children. While no OpenTelemetry SDK is registered a call passes untouched; one may be registered at any time.
 */
export function tracing(): Interceptor {
  let known: Tracer | undefined;
  return (next) => (call) => {
    known ??= registeredTracer();
    if (known === undefined) return next(call);
    return sideOf(call) === "client" ? asClient(known, call, next) : asServer(known, call, next);
  };
}

/** The API hands out tracers that do nothing until an SDK is there; this one is `undefined` until then. */
function registeredTracer(): Tracer | undefined {
  const provider: TracerProvider & { getDelegateTracer?: (name: string) => Tracer | undefined } =
    trace.getTracerProvider();
  return provider.getDelegateTracer === undefined
    ? provider.getTracer("trunkline")
    : provider.getDelegateTracer("trunkline");
}

function asClient(tracer: Tracer, call: Call, next: Handler): Promise<Reply> {
  const attributes: Attributes = callAttributes(call.method, "client");
  // gRPC's own name for it. https://github.com/grpc/proposal/blob/master/A72-open-telemetry-tracing.md
  if (call.attempt > 1) attributes["previous-rpc-attempts"] = call.attempt - 1;
  const span = tracer.startSpan(call.method.path.slice(1), { kind: SpanKind.CLIENT, attributes });
  const within = trace.setSpan(context.active(), span);
  const carrier: Record<string, string> = {};
  propagation.inject(within, carrier);
  let { metadata } = call;
  for (const [key, value] of Object.entries(carrier)) metadata = metadata.with(key, value);
  const trail = newTrail(call.get(trailKey));
  const traced = call.with({ metadata }).set(trailKey, trail);
  return context.with(within, () => follow(span, traced, next, trail));
}

function asServer(tracer: Tracer, call: Call, next: Handler): Promise<Reply> {
  const parent = propagation.extract(context.active(), call.metadata, reader);
  const attributes = { ...callAttributes(call.method, "server"), ...peerAttributes(call.caller?.address ?? "") };
  const span = tracer.startSpan(call.method.path.slice(1), { kind: SpanKind.SERVER, attributes }, parent);
  return context.with(trace.setSpan(parent, span), () => follow(span, call, next));
}

const reader = {
  get: (metadata: Metadata, key: string): string | undefined => metadata.get(key),
  keys: (metadata: Metadata): string[] => [...metadata].map(([key]) => key),
};

function follow(span: Span, call: Call, next: Handler, trail?: Trail): Promise<Reply> {
  const end = (error: RpcError | undefined): void => {
    const side = sideOf(call);
    span.setAttributes(endAttributes(error, side));
    if (trail?.address !== undefined) span.setAttributes(peerAttributes(trail.address));
    if (error !== undefined) {
      const { codeName, message, record } = error;
      if (record !== undefined) {
        span.addEvent("trunkline.explained", {
          "trunkline.call.id": record.id,
          "trunkline.record": JSON.stringify(record),
        });
      }
      if (isFailure(codeName, side)) span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    span.end();
  };
  return watched(next, call, end);
}

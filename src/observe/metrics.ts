import { metrics as api, createNoopMeter, type Histogram, type Meter, type MeterProvider } from "@opentelemetry/api";
import type { Interceptor } from "../core/call.ts";
import { now } from "../core/deadline.ts";
import type { RpcError } from "../core/rpc-error.ts";
import { watched } from "../core/watched.ts";
import { callAttributes, endAttributes, type Side, sideOf } from "./attributes.ts";

type Durations = Readonly<Record<Side, Histogram>>;

/**
 * How long calls take, by OpenTelemetry's stable conventions: the histograms `rpc.client.call.duration` and
 * `rpc.server.call.duration`, in seconds, by method and status. A stream counts until its end. On a client it belongs
 * among `interceptors`. While no OpenTelemetry SDK is registered a call passes untouched; one may be registered at any
 * time.
 */
export function metrics(): Interceptor {
  let known: MeterProvider | undefined;
  let durations: Durations | undefined;
  return (next) => (call) => {
    const provider = api.getMeterProvider();
    if (provider !== known) {
      known = provider;
      durations = durationsOf(provider.getMeter("trunkline"));
    }
    if (durations === undefined) return next(call);

    const side = sideOf(call);
    const histogram = durations[side];
    const startedMs = now();
    const ended = (error: RpcError | undefined): void => {
      const attributes = { ...callAttributes(call.method, side), ...endAttributes(error, side) };
      histogram.record((now() - startedMs) / 1_000, attributes);
    };
    return watched(next, call, ended);
  };
}

// As the conventions ask for.
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

function durationsOf(meter: Meter): Durations | undefined {
  if (meter === createNoopMeter()) return undefined;
  const advice = { explicitBucketBoundaries: boundaries };
  const of = (side: Side): Histogram =>
    meter.createHistogram(`rpc.${side}.call.duration`, {
      unit: "s",
      description: `Duration of a call, ${side} side.`,
      advice,
    });
  return { client: of("client"), server: of("server") };
}

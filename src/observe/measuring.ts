import {
  type Attributes,
  metrics as api,
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
} from "@opentelemetry/api";
import { INSTRUMENTS, type Instrument, type InstrumentKey } from "./instruments.ts";
import { createKeptNumbers, type KeptNumbers } from "./kept-numbers.ts";

/** Where numbers go: to the OpenTelemetry SDK that is registered now, if there is one. */
export interface Measuring {
  count(key: InstrumentKey, attributes: Attributes, by?: number): void;
  /** @param ms milliseconds, which are recorded as seconds */
  time(key: InstrumentKey, ms: number, attributes: Attributes): void;
  kept(key: InstrumentKey): KeptNumbers;
}

/** As the conventions have it for the durations of calls. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** An SDK may be registered at any time: numbers that stand are kept for it from the beginning. */
export function createMeasuring(): Measuring {
  const keptNumbers = new Map<InstrumentKey, KeptNumbers>();
  const made = new Map<InstrumentKey, Counter | Histogram>();
  let known: MeterProvider | undefined;
  let meter: Meter | undefined;

  for (const [key, { type }] of Object.entries(INSTRUMENTS) as [InstrumentKey, Instrument][]) {
    if (type === "sum" || type === "gauge") keptNumbers.set(key, createKeptNumbers());
  }

  function meterNow(): Meter | undefined {
    const provider = api.getMeterProvider();
    if (provider === known) return meter;
    known = provider;
    made.clear();
    const its = provider.getMeter("trunkline");
    meter = its === createNoopMeter() ? undefined : its;
    if (meter !== undefined) for (const [key, numbers] of keptNumbers) observe(meter, INSTRUMENTS[key], numbers);
    return meter;
  }

  function instrument<T extends Counter | Histogram>(key: InstrumentKey, make: (meter: Meter) => T): T | undefined {
    const now = meterNow();
    if (now === undefined) return undefined;
    const known = made.get(key) ?? make(now);
    made.set(key, known);
    return known as T;
  }

  return {
    count(key, attributes, by = 1) {
      if (by === 0) return;
      instrument(key, (meter) => meter.createCounter(INSTRUMENTS[key].name, optionsOf(key)))?.add(by, attributes);
    },
    time(key, ms, attributes) {
      const advice = { explicitBucketBoundaries: boundaries };
      const histogram = instrument(key, (meter) =>
        meter.createHistogram(INSTRUMENTS[key].name, { ...optionsOf(key), advice }),
      );
      histogram?.record(ms / 1_000, attributes);
    },
    kept(key) {
      meterNow();
      return keptNumbers.get(key) as KeptNumbers;
    },
  };
}

function optionsOf(key: InstrumentKey): Pick<Instrument, "unit" | "description"> {
  const { unit, description } = INSTRUMENTS[key];
  return { unit, description };
}

function observe(meter: Meter, { type, name, unit, description }: Instrument, numbers: KeptNumbers): void {
  const options = { unit, description };
  const standing =
    type === "sum" ? meter.createObservableUpDownCounter(name, options) : meter.createObservableGauge(name, options);
  standing.addCallback((result) => numbers.each((value, attributes) => result.observe(value, attributes)));
}

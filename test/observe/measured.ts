import { type Attributes, type Meter, type MetricOptions, metrics, type ObservableResult } from "@opentelemetry/api";

export interface Measured {
  readonly name: string;
  readonly type: string;
  readonly unit: string | undefined;
  readonly value: number;
  readonly attributes: Attributes;
}

/** Registers a meter with the OpenTelemetry API that keeps what it is told. */
export function measured() {
  const told: Measured[] = [];
  const standing: ((keep: (value: number, attributes: Attributes) => void) => void)[] = [];
  const kept: Measured[] = [];
  const instrument = (type: string) => (name: string, options: MetricOptions) => {
    const tell = (value: number, attributes: Attributes): void =>
      void told.push({ name, type, unit: options.unit, value, attributes });
    return { add: tell, record: tell };
  };
  const observable = (type: string) => (name: string, options: MetricOptions) => ({
    addCallback(callback: (result: ObservableResult) => void) {
      standing.push((keep) => callback({ observe: keep as never }));
      const at = standing.length - 1;
      const read = standing[at] as (keep: (value: number, attributes: Attributes) => void) => void;
      standing[at] = () =>
        read((value, attributes) => kept.push({ name, type, unit: options.unit, value, attributes }));
    },
  });
  const meter = {
    createCounter: instrument("counter"),
    createHistogram: instrument("histogram"),
    createObservableUpDownCounter: observable("sum"),
    createObservableGauge: observable("gauge"),
  } as unknown as Meter;
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  return {
    told,
    /** What stands now. */
    collect(): readonly Measured[] {
      kept.length = 0;
      for (const read of standing) read(() => {});
      return [...kept];
    },
    stop: () => metrics.disable(),
  };
}

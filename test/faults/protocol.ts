// What the fault suite's processes say to one another.

export interface ServerSettings {
  /** Registers nowhere without one. */
  readonly registry?: string;
  /** `host:port` to bind; port 0 the first time. */
  readonly listen: string;
  readonly advertise?: string;
  readonly ttlSeconds?: number;
  readonly delayMs?: number;
  /** Calls that are worked on at a time; the rest wait. */
  readonly capacity?: number;
  /** Whether the adaptive concurrency limit stands before the handlers. */
  readonly admission?: boolean;
}

export interface Behaviour {
  readonly delayMs: number;
  readonly fail?: boolean;
}

export interface LoadSettings {
  readonly registry: string;
  readonly callsPerSecond: number;
  /** Of a hundred calls, how many are of the method that is declared idempotent. */
  readonly idempotentPercent: number;
  readonly timeoutMs: number;
  readonly hedgeMs?: number;
  /** Whether servers are chosen by their load; in turn by default. */
  readonly leastLoaded?: boolean;
  /** Streams that are kept open beside the calls, each opened anew when its server ends it; none by default. */
  readonly streams?: number;
  /** As the channel's. */
  readonly confirmIdleMs?: number;
}

/** What came of a load. Times are milliseconds since the mark of the fault. */
export interface LoadReport {
  readonly calls: number;
  readonly succeeded: number;
  readonly idempotentLost: number;
  readonly otherLost: number;
  /** `CODE message` and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** The longest time without a success, after the mark. */
  readonly longestGapMs: number;
  /** From the fault to the last call that failed because of it; 0 where none did. */
  readonly recoverMs: number;
  /** Attempts per call in the worst five seconds. */
  readonly amplification: number;
  /** The same of the methods that are not declared idempotent. */
  readonly otherAmplification: number;
  /** Of the calls that succeeded after the mark. */
  readonly p99Ms: number;
  readonly idempotentP99Ms: number;
  /** Successes in each second since the start. */
  readonly perSecond: readonly number[];
  /** Answers after the mark, by the address that gave them. */
  readonly perServer: Readonly<Record<string, number>>;
  /** Streams that were opened, and those of them that a server ended with OK. */
  readonly streams: { readonly opened: number; readonly endedWell: number };
  /** What else is worth telling. */
  readonly note?: string;
}

/** What a process takes up, after a garbage collection. */
export interface Usage {
  readonly heapMb: number;
  readonly rssMb: number;
  /** Open file descriptors. */
  readonly files: number;
}

export interface ServerCommand {
  readonly behave?: Partial<Behaviour>;
  /** Makes the event loop stand still. */
  readonly blockMs?: number;
  readonly measure?: true;
}

export type LoadCommand =
  | { readonly do: "mark" | "measure" | "report" | "stop" }
  | { readonly do: "block"; readonly ms: number };

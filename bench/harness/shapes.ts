import type { Caller } from "../contender.ts";
import { blob } from "../workload.ts";

/** What is asked of a contender in one row of the table. */
export interface Shape {
  readonly name: string;
  /** In a few words, for the reader of the table. */
  readonly about: string;
  readonly inFlight: number;
  readonly connections: number;
  readonly tls: boolean;
  /** What is counted: calls or messages. */
  readonly unit: "calls" | "messages";
  /** Shapes of one group are measured with the same two processes, one after the other. */
  readonly group: "unary" | "large" | "stream";
}

/**
 * Makes one step of a shape: a call, or a stream of calls. Gives how many calls or messages that was; `undefined` where
 * the contender has no such call.
 * @throws Error of the step, where what came back is not what should have
 */
export function stepOf(shape: string, caller: Caller): (() => Promise<number>) | undefined {
  switch (shape) {
    case "unary":
    case "unary-4-connections":
      return () => caller.hello().then(checkHello);
    case "unary-work":
      return caller.work && (() => caller.work?.().then(checkHello) as Promise<number>);
    case "order":
      return caller.place && (() => expecting(484.2, 1, caller.place?.()));
    case "echo-1m":
      return caller.echo && (() => expecting(1 << 20, 1, caller.echo?.(blob(1 << 20))));
    case "ping-pong":
      return caller.chat && (() => expecting(200, 200, caller.chat?.(200)));
    case "stream-100b":
      return caller.download && (() => expecting(1e6, 10_000, caller.download?.(10_000, 100)));
    case "stream-64k":
      return caller.download && (() => expecting(65536 * 200, 200, caller.download?.(200, 65536)));
    default:
      throw new Error(`no shape is called ${shape}`);
  }
}

function checkHello(text: string): number {
  if (text !== "Hello world") throw new Error(`"Hello world" was expected, not ${JSON.stringify(text)}`);
  return 1;
}

async function expecting(wanted: number, units: number, answer: Promise<number> | undefined): Promise<number> {
  const given = await answer;
  if (given !== wanted) throw new Error(`${wanted} was expected, not ${given}`);
  return units;
}

const plain = { connections: 1, tls: false, unit: "calls", group: "unary" } as const;
const hello = "a call with a few bytes each way";
/** A call with a few bytes each way. */
export const unary = (inFlight: number): Shape => ({ ...plain, name: "unary", about: hello, inFlight });
const stream100b: Shape = {
  ...plain,
  name: "stream-100b",
  about: "a server's stream of 10,000 messages of 100 bytes",
  inFlight: 1,
  unit: "messages",
  group: "stream",
};
const stream64k: Shape = {
  ...stream100b,
  name: "stream-64k",
  about: "a server's stream of 200 messages of 64 KiB",
};

/** The goal's. */
export const quickShapes: readonly Shape[] = [unary(1), unary(16), unary(128), stream100b, stream64k];

export const allShapes: readonly Shape[] = [
  unary(1),
  unary(16),
  unary(128),
  { ...plain, name: "unary-4-connections", about: "the same over four connections", inFlight: 128, connections: 4 },
  { ...plain, name: "unary-work", about: "handlers that take 1 to 10 ms", inFlight: 32 },
  { ...plain, name: "order", about: "an order of 776 bytes, sent back", inFlight: 16 },
  { ...plain, name: "order", about: "an order of 776 bytes, sent back", inFlight: 128 },
  { ...plain, name: "echo-1m", about: "1 MiB, sent back", inFlight: 4, group: "large" },
  {
    ...plain,
    name: "ping-pong",
    about: "a stream both ways, a message at a time",
    inFlight: 1,
    unit: "messages",
    group: "large",
  },
  stream100b,
  stream64k,
  ...quickShapes.map((shape) => ({ ...shape, tls: true })),
];

/** A shape in words: `unary, 16 in flight, TLS`. */
export function describeShape(name: string, inFlight: number, tls: boolean): string {
  return `${name}, ${inFlight} in flight${tls ? ", TLS" : ""}`;
}

import type { Call, Reply } from "../../src/core/call.ts";
import type { Clock } from "../../src/core/clock.ts";
import { Code } from "../../src/core/code.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import type { Peer } from "../../src/core/transport.ts";
import { exponential, type Random } from "./random.ts";

export interface ServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Calls that it works on at a time; the others wait in line. */
  readonly slots: number;
  /** Milliseconds that a call takes on the average, exponentially distributed. */
  readonly meanMs: number;
}

/** A server in the simulation. What it is like may be changed while it runs. */
export interface Server {
  readonly endpoint: Endpoint;
  /** How much longer everything takes; 1 is its normal pace. */
  slowdown: number;
  /** The part of its calls that it answers with UNAVAILABLE, 0 to 1. */
  failing: number;
  /** The part of its calls that take `stallMs` longer, 0 to 1. */
  stalling: number;
  stallMs: number;
  /** Does the work of a call, where that is another call; by default there is none. */
  work: ((call: Call) => Promise<Reply>) | undefined;
  /** Calls that have arrived. */
  readonly arrived: number;
  /** Another client's way to it. */
  connect(): Peer;
}

interface Job {
  readonly call: Call;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: RpcError) => void;
  /** The caller has gone: no need to begin. */
  gone: boolean;
}

const reply: Reply = { response: {}, header: Metadata.EMPTY, trailer: Metadata.EMPTY };

export function createServer(endpoint: Endpoint, options: ServerOptions): Server {
  const { address } = endpoint;
  const { clock, random, slots, meanMs } = options;
  const line: Job[] = [];
  let working = 0;
  let arrived = 0;

  function arrive(job: Job): void {
    arrived++;
    if (random() < server.failing) {
      clock.setTimeout(() => job.reject(new RpcError(Code.UNAVAILABLE, `${address} is sick`)), 1);
      return;
    }
    line.push(job);
    begin();
  }

  function begin(): void {
    while (working < slots) {
      const job = line.shift();
      if (job === undefined) return;
      if (job.gone) continue;
      working++;
      const stallMs = random() < server.stalling ? server.stallMs : 0;
      clock.setTimeout(() => void finish(job), exponential(meanMs, random) * server.slowdown + stallMs);
    }
  }

  async function finish(job: Job): Promise<void> {
    working--;
    begin();
    try {
      job.resolve(server.work === undefined ? reply : await server.work(job.call));
    } catch (error) {
      // What crosses a wire of an error, and no more: who called knows nothing of the peers below.
      const { code, message, final } = RpcError.from(error);
      job.reject(new RpcError(code, message, { final }));
    }
  }

  const server = {
    endpoint,
    slowdown: 1,
    failing: 0,
    stalling: 0,
    stallMs: 0,
    work: undefined as Server["work"],
    get arrived() {
      return arrived;
    },
    connect: () => connection(endpoint, clock, arrive),
  };
  return server;
}

/** A transport's part: counts what is in flight, and ends a call at its deadline or when its caller cancels it. */
function connection(endpoint: Endpoint, clock: Clock, arrive: (job: Job) => void): Peer {
  let inflight = 0;
  return {
    endpoint,
    state: "ready",
    ready: true,
    reason: undefined,
    get inflight() {
      return inflight;
    },
    handle(call) {
      inflight++;
      const { signal } = call;
      return new Promise<Reply>((resolve, reject) => {
        const job: Job = { call, resolve: (reply) => end(() => resolve(reply)), reject: fail, gone: false };
        const late = new RpcError(Code.DEADLINE_EXCEEDED, `${endpoint.address} did not answer in time`);
        const stopTimer = clock.setTimeout(() => fail(late), call.deadline - clock.now());
        const onAbort = (): void => fail(RpcError.from(signal?.reason, Code.CANCELLED));
        signal?.addEventListener("abort", onAbort);

        function fail(error: RpcError): void {
          end(() => reject(error));
        }
        function end(settle: () => void): void {
          if (job.gone) return;
          job.gone = true;
          inflight--;
          stopTimer();
          signal?.removeEventListener("abort", onAbort);
          settle();
        }
        arrive(job);
      });
    },
    close: async () => {},
  };
}

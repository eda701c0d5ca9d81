// The server of a run of traffic, a process of its own. It prints where it listens, and each fault that it sees.
import { setImmediate as turn } from "node:timers/promises";
import { Code, createServer, type HandlerContext, RpcError } from "trunkline";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import type { Payload } from "../../gen/probe/v1/probe.ts";
import { serverTls } from "../support/certs.ts";
import { messageOf, noiseKey, type Plan, planIn, plannedFailure, verify } from "./plan.ts";
import { type Setup, wire } from "./wires.ts";

const setup = JSON.parse(process.env.SETUP as string) as Setup;
process.once("disconnect", () => process.exit(0));
const server = createServer({
  transport: wire(setup.server, setup.windows),
  ...(setup.tls && { tls: serverTls }),
  compression: setup.compression,
  logger: { ...console, debug() {}, info() {}, warn: fault, error: fault } as never,
});

function fault(...what: unknown[]): void {
  console.log("fault:", ...what);
}

/** Begins to answer: says what the client checks, and gives what it wants. */
function begin(context: HandlerContext): Plan {
  const noise = context.metadata.getBytes(noiseKey);
  if (noise !== undefined) {
    context.header = { [noiseKey]: noise };
    context.trailer = { [noiseKey]: noise };
  }
  return planIn(context.metadata);
}

/** What comes before each message, either way. */
async function step(plan: Plan, index: number): Promise<void> {
  for (let turns = plan.turns; turns > 0; turns--) await turn();
  if (index === plan.failAfter) throw new RpcError(Code.ABORTED, plannedFailure);
}

function check(plan: Plan, index: number, message: Payload): void {
  try {
    verify(plan, index, message);
  } catch (error) {
    fault(error);
    throw error;
  }
}

function checkEnd(plan: Plan, index: number): void {
  if (index !== plan.count) fault(`call ${plan.key} of ${plan.count} requests looked complete after ${index}`);
}

server.add(Probe, {
  async echo(request, context) {
    const plan = begin(context);
    check(plan, 0, request);
    await step(plan, 0);
    return request;
  },
  async *expand(_request, context) {
    const plan = begin(context);
    for (let index = 0; index < plan.count; index++) {
      await step(plan, index);
      yield messageOf(plan, index);
    }
    await step(plan, plan.count);
  },
  async collect(requests, context) {
    const plan = begin(context);
    let count = 0;
    let bytes = 0n;
    for await (const request of requests) {
      check(plan, count, request);
      await step(plan, count);
      bytes += BigInt(request.data.length);
      if (++count === plan.stopAfter) return { count, bytes };
    }
    checkEnd(plan, count);
    return { count, bytes };
  },
  async *converse(requests, context) {
    const plan = begin(context);
    let index = 0;
    for await (const request of requests) {
      check(plan, index, request);
      await step(plan, index);
      yield request;
      if (++index === plan.stopAfter) return;
    }
    checkEnd(plan, index);
  },
});
console.log(`listening on ${await server.listen("127.0.0.1:0")}`);

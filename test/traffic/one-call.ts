import { setImmediate as turn } from "node:timers/promises";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import type { CollectReply, Payload } from "../../gen/probe/v1/probe.ts";
import { Call, type Reply } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { now } from "../../src/core/deadline.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import type { Peer } from "../../src/core/transport.ts";
import { messageOf, noiseKey, type Plan, planKey, plannedFailure, verify } from "./plan.ts";

export type Random = (below: number) => number;

/** What may end a call from this side, beside what its plan says. */
interface Upset {
  readonly cancelAfter?: number;
  readonly throwAfter?: number;
  readonly deadlineMs?: number;
}

const shapes = Object.values(Probe.methods);
const sourceBroke = "the source broke";

/** Makes one random call and compares every byte of it. @throws Error that says what was wrong, and of which call */
export async function oneCall(peer: Peer, random: Random, key: number): Promise<void> {
  const method = shapes[random(shapes.length)] as (typeof shapes)[number];
  const { plan, upset } = invent(random, key, method.requestStream || method.responseStream);
  const controller = new AbortController();
  const noise = random(3) === 0 ? new Uint8Array(random(300)).fill(random(256)) : undefined;
  const metadata = Metadata.from({
    [planKey]: JSON.stringify(plan),
    ...(noise && { [noiseKey]: noise }),
    ...(random(2) === 0 && { [`k${random(30)}`]: "v".repeat(random(40)) }),
  });
  const deadline = now() + (upset.deadlineMs ?? 120_000);
  const request = method.requestStream
    ? upload(plan, upset, random, controller)
    : method === Probe.methods.expand
      ? { count: 0, size: 0, delayMs: 0 }
      : messageOf(plan, 0);
  try {
    const call = new Call({ method, request, metadata, deadline, cancellation: controller.signal });
    const reply = await peer.handle(call);
    await checkReply(method, reply, plan, upset, controller);
    if (noise !== undefined) checkNoise(reply, noise, upset);
  } catch (error) {
    const wrong = unplanned(error, plan, upset, controller.signal.aborted);
    if (wrong) throw new Error(`${method.path} ${JSON.stringify({ plan, upset })}: ${wrong}`, { cause: error });
  }
}

function invent(random: Random, key: number, streams: boolean): { plan: Plan; upset: Upset } {
  const count = streams ? (random(8) === 0 ? random(200) : random(12)) : 1;
  const largest = random(10) === 0 ? 1_500_000 : 100_000;
  const part = (): number => random(count + 1);
  const base = { key, count, largest, turns: random(5) === 0 ? random(8) : 0 };
  switch (random(12)) {
    case 0:
      return { plan: base, upset: { cancelAfter: part() } };
    case 1:
      return { plan: base, upset: { throwAfter: part() } };
    case 2:
      return { plan: base, upset: { deadlineMs: random(80) } };
    case 3:
      return { plan: { ...base, failAfter: part() }, upset: {} };
    case 4:
      return { plan: { ...base, stopAfter: 1 + part() }, upset: {} };
    default:
      return { plan: base, upset: {} };
  }
}

async function* upload(plan: Plan, upset: Upset, random: Random, controller: AbortController): AsyncGenerator<Payload> {
  for (let index = 0; index <= plan.count; index++) {
    if (index === upset.cancelAfter) controller.abort();
    if (index === upset.throwAfter) throw new RpcError(Code.DATA_LOSS, sourceBroke);
    if (index === plan.count) return;
    yield messageOf(plan, index);
    for (let turns = random(3); turns > 0; turns--) await turn();
  }
}

async function checkReply(
  method: (typeof shapes)[number],
  { response }: Reply,
  plan: Plan,
  upset: Upset,
  controller: AbortController,
): Promise<void> {
  const read = Math.min(plan.stopAfter ?? plan.count, plan.count);
  if (method === Probe.methods.echo) return verify(plan, 0, response as Payload);
  if (method === Probe.methods.collect) {
    const { count, bytes } = response as CollectReply;
    let sum = 0n;
    for (let index = 0; index < read; index++) sum += BigInt(messageOf(plan, index).data.length);
    if (count !== read || bytes !== sum) throw new Error(`it counted ${count} of ${read} and ${bytes} of ${sum} bytes`);
    return;
  }
  let index = 0;
  for await (const message of response as AsyncIterable<Payload>) {
    verify(plan, index++, message);
    if (index === upset.cancelAfter) controller.abort();
  }
  const expected = method.requestStream ? read : plan.count;
  if (index !== expected) throw new Error(`it ended after ${index} messages of ${expected}`);
}

function checkNoise({ header, trailer }: Reply, noise: Uint8Array, { deadlineMs }: Upset): void {
  for (const metadata of [header, trailer]) {
    const got = metadata.getBytes(noiseKey);
    if (got !== undefined && Buffer.compare(got, noise) === 0) continue;
    if (deadlineMs === undefined) throw new Error(`${noise.length} bytes of metadata came back as ${got?.length}`);
  }
}

/** What is wrong with how a call ended; undefined where the plan, or what upset it, explains it. */
function unplanned(error: unknown, plan: Plan, upset: Upset, aborted: boolean): string | undefined {
  if (!RpcError.is(error)) return String(error);
  const { code, message } = error;
  if (code === Code.CANCELLED && aborted) return undefined;
  if (code === Code.DEADLINE_EXCEEDED && upset.deadlineMs !== undefined) return undefined;
  if (code === Code.ABORTED && message === plannedFailure && plan.failAfter !== undefined) return undefined;
  if (code === Code.DATA_LOSS && message === sourceBroke && upset.throwAfter !== undefined) return undefined;
  return `${error.codeName}: ${message}`;
}

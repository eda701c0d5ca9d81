// A greeter of the fault suite, a process of its own. What it does wrong is said over IPC.
import { setTimeout as sleep } from "node:timers/promises";
import { Code, concurrencyLimit, createServer, type HandlerContext, RpcError, registryFromUri } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { measure } from "./measure.ts";
import type { Behaviour, ServerCommand, ServerSettings } from "./protocol.ts";

const settings = JSON.parse(process.env.SETTINGS as string) as ServerSettings;
process.once("disconnect", () => process.exit(0));
let behaviour: Behaviour = { delayMs: settings.delayMs ?? 2 };
let working = 0;

/** At most `capacity` at a time, the rest in line: what a pool of connections or of cores does to a real handler. */
const line: (() => void)[] = [];
async function work(): Promise<void> {
  const { capacity = Number.POSITIVE_INFINITY } = settings;
  if (working >= capacity) await new Promise<void>((resolve) => line.push(resolve));
  working++;
  await sleep(behaviour.delayMs);
  working--;
  line.shift()?.();
}

async function greet(name: string, context: HandlerContext): Promise<{ message: string }> {
  context.header = { "served-by": settings.advertise ?? server.address ?? "" };
  if (behaviour.fail) throw new RpcError(Code.UNAVAILABLE, "told to fail");
  await work();
  return { message: `Hello ${name}` };
}

const registry = await registryFromUri(`${settings.registry}/?ttl=${settings.ttlSeconds ?? 3}`);
const sayAgainMs = 200;
const interceptors = settings.admission ? [concurrencyLimit()] : [];
const server = createServer({ registry, interceptors, drain: { timeoutMs: 5_000 } });
server.add(Greeter, {
  sayHello: ({ name }, context) => greet(name, context),
  sayHelloAgain: ({ name }, context) => greet(name, context),
  async *chat(_hellos, { draining }) {
    while (!draining.aborted) {
      yield { message: "Hello" };
      await sleep(sayAgainMs, undefined, { signal: draining }).catch(() => {});
    }
  },
});

const address = await server.listen(settings.listen, settings.advertise ? { advertise: settings.advertise } : {});
await server.registered;
process.send?.({ address });

process.on("message", ({ behave, blockMs, measure: wanted }: ServerCommand) => {
  if (behave !== undefined) behaviour = { ...behaviour, ...behave };
  if (blockMs !== undefined) block(blockMs);
  if (wanted) process.send?.({ usage: measure() });
});

/** The event loop stands still, as in a long garbage collection or a synchronous disaster. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

process.once("SIGTERM", () => void server.close().then(() => process.exit(0)));

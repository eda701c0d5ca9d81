// The caller of the fault suite, a process of its own: a steady load, open loop, and an account of every call.
import { once } from "node:events";
import {
  type Call,
  createChannel,
  createClient,
  type Interceptor,
  leastLoaded,
  type Metadata,
  RpcError,
  registryFromUri,
  roundRobin,
} from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { createAccount } from "./account.ts";
import { measure } from "./measure.ts";
import type { LoadCommand, LoadSettings } from "./protocol.ts";

const settings = JSON.parse(process.env.SETTINGS as string) as LoadSettings;
const { callsPerSecond, idempotentPercent, timeoutMs, hedgeMs, streams = 0, confirmIdleMs } = settings;
const hedge = hedgeMs === undefined ? undefined : { delayMs: hedgeMs };

const account = createAccount();
const counted: Interceptor = (next) => (call: Call) => {
  account.attempted(call.method.name === "SayHello");
  return next(call);
};

const registry = await registryFromUri(settings.registry);
const balancer = settings.leastLoaded ? leastLoaded() : roundRobin();
const channel = createChannel({ registry, balancer, confirmIdleMs, attemptInterceptors: [counted] });
const greeter = createClient(Greeter, channel);
const open = new Set<Promise<void>>();

async function call(idempotent: boolean): Promise<void> {
  const started = performance.now();
  const onHeader = (header: Metadata): void => account.answeredBy(header.get("served-by") ?? "");
  account.called(idempotent);
  try {
    if (idempotent) await greeter.sayHello({ name: "you" }, { timeoutMs, onHeader, hedge });
    else await greeter.sayHelloAgain({ name: "you" }, { timeoutMs, onHeader });
    account.succeeded(idempotent, started);
  } catch (thrown) {
    account.failed(idempotent, RpcError.from(thrown));
  }
}

const stopping = new AbortController();

/** Follows a server for as long as it lets, then another. */
async function follow(): Promise<void> {
  while (!stopping.signal.aborted) {
    try {
      const replies = greeter.chat(untilStopped(), { timeoutMs: 0, signal: stopping.signal });
      account.streamOpened();
      for await (const _ of replies);
      account.streamEndedWell();
    } catch (thrown) {
      if (!stopping.signal.aborted) account.failed(false, RpcError.from(thrown));
    }
  }
}

async function* untilStopped(): AsyncGenerator<{ name: string }> {
  yield { name: "you" };
  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
}

// Before the account begins: a first call waits for the registry and the connections.
await greeter.sayHello({ name: "you" }).catch(() => {});
const following = Array.from({ length: streams }, follow);
const began = performance.now();
let due = 0;
const ticker = setInterval(() => {
  // After the loop has stood still, what was due meanwhile is not made up for: nobody was there to ask.
  const behind = ((performance.now() - began) / 1_000) * callsPerSecond - due;
  if (behind > callsPerSecond) due += behind;
  while (due < ((performance.now() - began) / 1_000) * callsPerSecond) {
    const one = call((Math.floor(due) * 61) % 100 < idempotentPercent).finally(() => open.delete(one));
    open.add(one);
    due++;
  }
}, 5);

process.on("message", async (command: LoadCommand) => {
  if (command.do === "mark") account.mark();
  if (command.do === "report") process.send?.({ report: account.report() });
  if (command.do === "measure") process.send?.({ usage: measure() });
  if (command.do === "block") {
    const end = performance.now() + command.ms;
    while (performance.now() < end);
  }
  if (command.do === "stop") {
    clearInterval(ticker);
    stopping.abort();
    await Promise.all([...open, ...following]);
    process.send?.({ report: account.report() });
    await channel.close();
    await registry.close();
    process.disconnect?.();
  }
});
process.once("disconnect", () => setTimeout(() => process.exit(0), 2_000).unref());
process.send?.({ ready: true });

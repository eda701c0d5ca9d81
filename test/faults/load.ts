// The caller of the fault suite, a process of its own: a steady load, open loop, and an account of every call.
import {
  type Call,
  createChannel,
  createClient,
  type Interceptor,
  type Metadata,
  RpcError,
  registryFromUri,
} from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import type { LoadCommand, LoadReport, LoadSettings } from "./protocol.ts";

const settings = JSON.parse(process.env.SETTINGS as string) as LoadSettings;
const { callsPerSecond, idempotentPercent, timeoutMs, hedgeMs } = settings;

let attempts = 0;
const counted: Interceptor = (next) => (call: Call) => {
  attempts++;
  return next(call);
};

const registry = await registryFromUri(settings.registry);
const channel = createChannel({ registry, attemptInterceptors: [counted] });
const greeter = createClient(Greeter, channel);

const began = performance.now();
const succeededAt: number[] = [];
const tookMs: number[] = [];
const perServer = new Map<string, number>();
const failures = new Map<string, number>();
const lost = { idempotent: 0, other: 0 };
let calls = 0;
let marked = began;
let lastFailure = 0;
const open = new Set<Promise<void>>();

async function call(idempotent: boolean): Promise<void> {
  const started = performance.now();
  const onHeader = (header: Metadata): void => {
    const server = header.get("served-by") ?? "";
    perServer.set(server, (perServer.get(server) ?? 0) + 1);
  };
  calls++;
  try {
    if (idempotent) {
      const hedge = hedgeMs === undefined ? undefined : { delayMs: hedgeMs };
      await greeter.sayHello({ name: "you" }, { timeoutMs, onHeader, hedge });
    } else {
      await greeter.sayHelloAgain({ name: "you" }, { timeoutMs, onHeader });
    }
    succeededAt.push(performance.now());
    tookMs.push(performance.now() - started);
  } catch (thrown) {
    const error = RpcError.from(thrown);
    lost[idempotent ? "idempotent" : "other"]++;
    lastFailure = performance.now();
    const what = `${error.codeName} ${error.message}${error.peer === undefined ? "" : ` (${error.peer})`}`;
    failures.set(what, (failures.get(what) ?? 0) + 1);
  }
}

let due = 0;
const ticker = setInterval(() => {
  // After the loop has stood still, what was due meanwhile is not made up for: nobody was there to ask.
  const behind = ((performance.now() - began) / 1_000) * callsPerSecond - due;
  if (behind > callsPerSecond) due += behind;
  while (due < ((performance.now() - began) / 1_000) * callsPerSecond) {
    const one = call((due * 61) % 100 < idempotentPercent).finally(() => open.delete(one));
    open.add(one);
    due++;
  }
}, 5);

function report(): LoadReport {
  const took = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((took[Math.floor(took.length * share)] ?? 0) * 10) / 10;
  const times = succeededAt.toSorted((a, b) => a - b);
  const gaps = times.map((time, i) => time - (times[i - 1] ?? time));
  const perSecond: number[] = [];
  for (const time of times) {
    const second = Math.floor((time - began) / 1_000);
    perSecond[second] = (perSecond[second] ?? 0) + 1;
  }
  return {
    calls,
    attempts,
    succeeded: times.length,
    idempotentLost: lost.idempotent,
    otherLost: lost.other,
    failures: Object.fromEntries(failures),
    longestGapMs: Math.round(gaps.reduce((a, b) => Math.max(a, b), 0)),
    recoverMs: Math.max(0, Math.round(lastFailure - marked)),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    perSecond: Array.from(perSecond, (count) => count ?? 0),
    perServer: Object.fromEntries(perServer),
  };
}

process.on("message", async (command: LoadCommand) => {
  if (command.do === "mark") marked = performance.now();
  if (command.do === "block") {
    const end = performance.now() + command.ms;
    while (performance.now() < end);
  }
  if (command.do === "stop") {
    clearInterval(ticker);
    await Promise.all(open);
    process.send?.({ report: report() });
    await channel.close();
    await registry.close();
    process.disconnect?.();
  }
});
process.once("disconnect", () => setTimeout(() => process.exit(0), 2_000).unref());

await greeter.sayHello({ name: "you" }).catch(() => {});
process.send?.({ ready: true });

// A contender's server or client, in a process of its own: node harness/worker.ts <contender>
import { readFileSync } from "node:fs";
import type { Caller, Contender, Keys } from "../contender.ts";
import { drive } from "./lanes.ts";
import type { Answer, Ask, Task, Tasks } from "./messages.ts";
import { stepOf } from "./shapes.ts";

const { contender } = (await import(`../contenders/${process.argv[2]}.ts`)) as { contender: Contender };
const pem = (name: string) => readFileSync(new URL(`../../examples/tls/certs/${name}`, import.meta.url));
const keys: Keys = { ca: pem("ca.pem"), cert: pem("server.pem"), key: pem("server.key") };

let callers: Caller[] = [];
let parked: Promise<unknown>[] = [];

const tasks: { [T in Task]: (ask: Tasks[T]["ask"]) => Promise<Tasks[T]["answer"]> } = {
  async serve({ tls }) {
    const { port } = await contender.serve(tls ? keys : undefined);
    return { port };
  },
  async connect({ port, tls, connections, inFlight }) {
    const options = { tls: tls ? keys : undefined, inFlight };
    for (let i = 0; i < connections; i++) callers.push(await contender.connect(port, options));
    for (const caller of callers) await stepOf("unary", caller)?.();
    return {};
  },
  async spread({ port, endpoints }) {
    callers.push(await contender.connect(port, { tls: undefined, inFlight: endpoints, endpoints }));
    await callers[0]?.hello();
    return {};
  },
  async churn({ port, connections }) {
    for (let i = 0; i < connections; i++) {
      const caller = await contender.connect(port, { tls: undefined, inFlight: 1 });
      await caller.hello();
      await caller.close();
    }
    return {};
  },
  async offers({ shape }) {
    return { offers: stepOf(shape, callers[0] as Caller) !== undefined };
  },
  async drive({ shape, inFlight, durationMs }) {
    const steps = callers.map((caller) => stepOf(shape, caller) as () => Promise<number>);
    const lanes = Array.from({ length: inFlight }, (_, i) => steps[i % steps.length] as () => Promise<number>);
    return drive(lanes, durationMs);
  },
  async park({ calls }) {
    const [caller] = callers as [Caller];
    for (let i = 0; i < calls; i++) parked.push(caller.park?.() as Promise<unknown>);
    await caller.hello();
    return {};
  },
  async release() {
    await callers[0]?.release?.();
    await Promise.all(parked);
    parked = [];
    return {};
  },
  // Loaded only where they are asked for: a client's memory is measured too.
  keep: async (fleet) => (await import("./changing-fleet.ts")).changingRegistry(fleet),
  follow: async (options) => (await import("./follow-fleet.ts")).followFleet(options),
  async disconnect() {
    await Promise.all(callers.map((caller) => caller.close()));
    callers = [];
    return {};
  },
  async cpu() {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system };
  },
  async memory() {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, used: heapUsed + external };
  },
  async end() {
    process.exit();
  },
};

process.on("message", ({ id, task, ask }: Ask) => {
  const reply = (answer: Answer) => process.send?.(answer);
  const work = tasks[task] as (ask: unknown) => Promise<unknown>;
  work(ask).then(
    (answer) => reply({ id, answer }),
    (error: Error) => reply({ id, failure: error.stack ?? String(error) }),
  );
});
// However the harness ends, its processes end with it.
process.on("disconnect", () => process.exit());
// The terminal interrupts the whole group; the harness decides when its processes end.
process.on("SIGINT", () => {});
process.send?.({ id: 0, answer: {} } satisfies Answer);

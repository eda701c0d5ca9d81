// Three servers, a registry, a steady stream of calls, and a server killed in the middle of it.
import { setTimeout as sleep } from "node:timers/promises";
import { createChannel, createClient, registryFromUri } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { startPicture } from "./picture.ts";
import { type ServerProcess, startServer } from "./processes.ts";
import { demoRegistry } from "./registry.ts";
import { startTraffic, type Traffic } from "./traffic.ts";

const names = ["ada", "grace", "radia"] as const;
const circuits: string[] = [];
const cleanups: (() => Promise<void>)[] = [];
let leaving: Promise<void> | undefined;

function cleanUp(): Promise<void> {
  leaving ??= (async () => {
    for (const clean of cleanups.reverse()) await clean().catch((error) => console.error(error));
  })();
  return leaving;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void cleanUp().then(() => process.exit(130)));
}
const tooLong = setTimeout(() => {
  console.error("The demo did not end within 2 minutes.");
  void cleanUp().then(() => process.exit(1));
}, 120_000);

try {
  process.exitCode = (await demo()) ? 0 : 1;
} finally {
  await cleanUp();
  clearTimeout(tooLong);
}

async function demo(): Promise<boolean> {
  const registry = await demoRegistry();
  cleanups.push(registry.stop);
  console.log(`Registry: ${registry.what}`);

  const servers = await Promise.all(names.map((name) => startServer(name, registry.uri)));
  cleanups.push(async () => void (await Promise.all(servers.map((server) => server.stop()))));
  for (const { name, address } of servers) console.log(`Server ${name} on ${address}`);

  const resolver = await registryFromUri(registry.uri);
  cleanups.push(() => resolver.close());
  const onChange = (state: string, { address }: { address: string }) => circuits.push(`${address} ${state}`);
  const channel = createChannel({ registry: resolver, breaker: { onChange } });
  cleanups.push(() => channel.close());
  const greeter = createClient(Greeter, channel);

  const { message } = await greeter.sayHello({ name: "you" });
  console.log(`Greeting: ${message}\n`);

  const traffic = startTraffic(greeter, 4);
  cleanups.push(() => traffic.stop());
  const picture = startPicture(servers, traffic.tally);
  cleanups.push(async () => picture.stop());
  const cameBack = await killAndRestart(traffic, servers, (what) => picture.say(line(traffic, what)));
  await traffic.stop();
  picture.stop();
  report(traffic, cameBack);
  return cameBack && names.every((name) => (traffic.tally.perServer.get(name) ?? 0) > 0);
}

async function killAndRestart(
  traffic: Traffic,
  servers: readonly ServerProcess[],
  say: (what: string) => void,
): Promise<boolean> {
  const victim = servers[1] as ServerProcess;
  await Promise.all(names.map((name) => traffic.answeredBy(name, 200)));
  say("all three answer");

  await victim.kill();
  say(`${victim.name} is killed (SIGKILL)`);
  await sleep(2_500);
  say("two go on");

  const back = traffic.answeredBy(victim.name, 200).then(() => true);
  await victim.start();
  say(`${victim.name} is started again`);
  const cameBack = await Promise.race([back, sleep(8_000, false)]);
  say(cameBack ? `${victim.name} answers again` : `${victim.name} never came back`);
  return cameBack;
}

function line({ tally }: Traffic, what: string): string {
  const spread = names.map((name) => `${name} ${tally.perServer.get(name) ?? 0}`).join(", ");
  return `${String(tally.calls).padStart(6)} calls  ${what.padEnd(28)} ${spread}`;
}

function report({ tally }: Traffic, cameBack: boolean): void {
  const failed = [...tally.failures.values()].reduce((sum, each) => sum + each, 0);
  const rows: [string, string | number][] = [
    ["calls", tally.calls],
    ["failures", failed],
    ...names.map((name): [string, number] => [`answered by ${name}`, tally.perServer.get(name) ?? 0]),
    ["circuit changes", circuits.length === 0 ? "none" : circuits.join(", ")],
    ["the killed one came back", cameBack ? "yes" : "no"],
  ];
  console.log();
  for (const [what, value] of rows) console.log(`${what.padEnd(26)} ${value}`);
  for (const [failure, times] of tally.failures) console.log(`  ${times} x ${failure}`);
  if (failed > 0)
    console.log("  (SayHelloAgain is not declared idempotent: what was in flight at the kill is not sent twice.)");
}

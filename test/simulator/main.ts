import { writeFile } from "node:fs/promises";
import { chain } from "./scenarios/chain.ts";
import { hedging } from "./scenarios/hedging.ts";
import { sick } from "./scenarios/sick.ts";
import { skew, subsets } from "./scenarios/skew.ts";
import { storm } from "./scenarios/storm.ts";
import { zones } from "./scenarios/zones.ts";
import { markdown } from "./section.ts";

const head = `# Simulation

Trunkline's own balancer, breaker, retry and budget, over servers that are simulated, on a clock that is simulated, with
chance that comes from a seed. So the figures are the same each time. \`npm run simulate\` prints them and writes this page.

What is not simulated: the wire, the network, and the machine under them. The figures compare policies; they promise
nothing of a real service. \`docs/resilience.md\` says what the policies are.

One seed is one sample, and some defaults (the budget's length, the longest time a circuit stays open) were chosen with
these very scenarios in view: read the tables as how the policies differ, not as how good they are.`;

const sections: string[] = [head];
console.log(head);
for (const scenario of [skew, subsets, zones, storm, sick, hedging, chain]) {
  const section = markdown(await scenario());
  console.log(`\n${section}`);
  sections.push(section);
}
await writeFile(new URL("../../docs/simulation.md", import.meta.url), `${sections.join("\n\n")}\n`);

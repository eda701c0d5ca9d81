// Random traffic for as long as it is wanted: npm run test:traffic -- --minutes 10 --seed 7
import { parseArgs } from "node:util";
import { randomFrom } from "../transport/http2/random.ts";
import { runTraffic } from "./run.ts";
import { describe, type Setup, setups } from "./wires.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: `${Date.now() % 1e6}` },
    only: { type: "string", default: "" },
  },
});
const minutes = Number(values.minutes);
const first = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(first)) {
  console.error("npm run test:traffic -- [--minutes N] [--seed S] [--only PART-OF-A-SETUP]");
  process.exit(2);
}
const until = performance.now() + minutes * 60_000;
let calls = 0;
let failures = 0;
for (let seed = first; performance.now() < until; seed++) {
  const setup = drawn(randomFrom(seed));
  if (!describe(setup).includes(values.only)) continue;
  try {
    const made = await runTraffic({ setup, seed, forMs: 5_000 });
    calls += made;
    console.log(`seed ${seed}: ${made} calls, ${describe(setup)}`);
  } catch (error) {
    failures++;
    console.error(error);
  }
}
console.log(`${calls} calls, ${failures} failed runs`);
process.exitCode = failures === 0 ? 0 : 1;

/** Any setup there can be. */
function drawn(random: (below: number) => number): Setup {
  const { client, server } = setups[random(setups.length)] as Setup;
  const compression = (["identity", "identity", "gzip", "deflate"] as const)[random(4)] ?? "identity";
  const windows = random(2) === 0 ? "tiny" : "usual";
  return { client, server, windows, tls: random(2) === 0, fragments: random(3) > 0, compression };
}

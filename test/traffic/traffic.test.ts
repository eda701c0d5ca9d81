import { expect, test } from "vitest";
import { runTraffic } from "./run.ts";
import { describe, setups } from "./wires.ts";

const seed = Number(process.env.TRAFFIC_SEED ?? Date.now() % 1e6);

test.each(setups.map((setup) => [describe(setup), setup] as const))(
  `random calls arrive whole or end as planned: %s (TRAFFIC_SEED=${seed})`,
  { timeout: 60_000 },
  async (_, setup) => {
    expect(await runTraffic({ setup, seed, forMs: 700 })).toBeGreaterThan(0);
  },
);

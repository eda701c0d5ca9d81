import { describe, expect, test } from "vitest";
import { chain } from "./scenarios/chain.ts";
import { illness, sicknesses } from "./scenarios/sick.ts";
import { outage } from "./scenarios/storm.ts";

test("the same seed gives the same figures", async () => {
  expect(await outage(3, () => ({}))).toEqual(await outage(3, () => ({})));
});

describe("while every server fails for 5 s", () => {
  test("the budget alone keeps it to 1.2 attempts a call, however many of the calls are idempotent", async () => {
    for (const idempotent of [1, 0.5, 0.1]) {
      const { amplification, idempotentAmplification } = await outage(3, () => ({ breaker: false }), idempotent);
      expect(amplification).toBeLessThan(1.2);
      if (idempotent >= 0.5) expect(idempotentAmplification).toBeLessThan(1.2);
    }
  });

  test("circuits spare the servers nearly all of the calls, and close within a second of its end", async () => {
    const { amplification, recoveredMs } = await outage(3, () => ({}));
    expect(amplification).toBeLessThan(0.1);
    expect(recoveredMs).toBeLessThanOrEqual(1_000);
  });
});

describe("while one server of three is sick", () => {
  test("no idempotent call is lost to one that fails, and few others", async () => {
    for (const sickness of ["fails all", "fails half"] as const) {
      const { idempotentLost, othersLost } = await illness(3, sicknesses[sickness], {});
      expect(idempotentLost).toBe(0);
      expect(othersLost).toBeLessThan(0.05);
    }
  });

  test("no idempotent call is lost to one that is slow, where calls are hedged", async () => {
    const { idempotentLost } = await illness(3, sicknesses["50x slower"], { policy: { hedge: { delayMs: 100 } } });
    expect(idempotentLost).toBe(0);
  });
});

test("a fault at the bottom of a chain of services is not multiplied by each level", async () => {
  const { rows } = await chain();
  const attempts = new Map(rows.map(([name, , , third]) => [name, Number.parseFloat(third ?? "")]));
  expect(attempts.get("each level for itself, without a budget")).toBeGreaterThan(15);
  expect(attempts.get("one level, without a budget")).toBeCloseTo(3, 1);
  expect(attempts.get("one level")).toBeLessThan(1.25);
});

import { RpcError } from "trunkline";
import { expect, test, vi } from "vitest";
import { Code } from "../../src/core/code.ts";
import { createAccount } from "./account.ts";
import { createHistogram, p99 } from "./histogram.ts";
import type { LoadReport } from "./protocol.ts";
import { runScenario } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";

const report: LoadReport = {
  ...createAccount().report(),
  calls: 100,
  succeeded: 97,
  idempotentLost: 1,
  otherLost: 2,
};

function scenario(part: Partial<Scenario>): Scenario {
  return { name: "meteor", what: "a meteor falls", promised: {}, run: async () => report, ...part };
}

async function quietly(part: Partial<Scenario>) {
  const said = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    return { row: await runScenario(scenario(part)), said: said.mock.calls.join("\n") };
  } finally {
    said.mockRestore();
  }
}

test("a scenario whose losses are within its promise is ok", async () => {
  const { row } = await quietly({ promised: { idempotentLost: 1, otherLost: 2 } });
  expect(row).toMatchObject({ scenario: "meteor", ok: true, calls: 100, idempotentLost: 1, otherLost: 2 });
});

test("a scenario promises that nothing is lost where it does not say otherwise", async () => {
  const { row, said } = await quietly({ promised: { otherLost: 1 } });
  expect(row).toMatchObject({ ok: false, calls: 100 });
  expect(said).toContain("NOT KEPT: idempotent calls lost: at most 0");
  expect(said).toContain("NOT KEPT: others lost: at most 1");
});

test("a check that fails still leaves the figures in the row", async () => {
  const { row, said } = await quietly({
    promised: { idempotentLost: 1, otherLost: 2 },
    async run(holds) {
      holds(false, "the sky is dark");
      return report;
    },
  });
  expect(row).toMatchObject({ ok: false, calls: 100 });
  expect(said).toContain("NOT KEPT: the sky is dark");
});

test("a scenario that throws fails, and the suite goes on", async () => {
  const { row, said } = await quietly({ run: () => Promise.reject(new Error("no etcd")) });
  expect(row).toMatchObject({ ok: false, calls: 0 });
  expect(said).toContain("no etcd");
});

test("attempts are counted for each call, and for those of other methods by themselves", () => {
  const account = createAccount();
  for (let i = 0; i < 10; i++) {
    account.called(i % 2 === 0);
    account.attempted(i % 2 === 0);
    if (i % 2 === 0) account.attempted(true);
  }
  expect(account.report()).toMatchObject({ calls: 10, amplification: 1.5, otherAmplification: 1 });
});

test("what is lost is told by its code, its message and its server", () => {
  const account = createAccount();
  const error = new RpcError(Code.UNAVAILABLE, "gone");
  error.peer = "10.0.0.1:1";
  account.failed(true, error);
  account.failed(false, error);
  expect(account.report()).toMatchObject({
    idempotentLost: 1,
    otherLost: 1,
    failures: { "UNAVAILABLE gone (10.0.0.1:1)": 2 },
  });
});

test("the 99th percentile is within 2 % of the exact one", () => {
  const histogram = createHistogram();
  for (let ms = 1; ms <= 1_000; ms++) histogram.add(ms);
  expect(Math.abs(p99(histogram) - 990)).toBeLessThan(20);
  expect(p99(createHistogram())).toBe(0);
});

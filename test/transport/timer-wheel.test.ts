import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { now } from "../../src/core/deadline.ts";
import { Alarm, TimerWheel } from "../../src/transport/timer-wheel.ts";
import { type Ended, repository, runProgram } from "../support/program.ts";

class Bell extends Alarm {
  readonly rang: Promise<number>;
  readonly #ring: (at: number) => void;

  constructor() {
    super();
    const { promise, resolve } = Promise.withResolvers<number>();
    this.rang = promise;
    this.#ring = resolve;
  }

  ring(): void {
    this.#ring(now());
  }
}

// The wheel does not hold the process; the test does.
async function held<T>(work: Promise<T>): Promise<T> {
  const hold = setInterval(() => {}, 1000);
  return work.finally(() => clearInterval(hold));
}

test("every alarm rings, one that is overdue at once, and none is early", async () => {
  const wheel = new TimerWheel();
  const start = now();
  const bells = [90, 10, 50, 10, 130, 0, -20, -10_000].map((afterMs) => {
    const bell = new Bell();
    wheel.set(bell, start + afterMs);
    return bell.rang.then((at) => expect(at).toBeGreaterThanOrEqual(start + afterMs));
  });
  await held(Promise.all(bells));
  expect(now() - start).toBeLessThan(3000);
});

test("an alarm that was cleared does not ring, one that was set anew rings at its new time", async () => {
  const wheel = new TimerWheel();
  const [cleared, moved, last] = [new Bell(), new Bell(), new Bell()];
  const start = now();
  wheel.set(cleared, start + 5);
  wheel.set(moved, start + 5);
  wheel.set(last, start + 40);
  wheel.clear(cleared);
  wheel.clear(cleared);
  wheel.set(moved, start + 30);
  expect(await held(moved.rang)).toBeGreaterThanOrEqual(start + 30);
  await held(last.rang);
  const rang = await Promise.race([cleared.rang.then(() => true), Promise.resolve(false)]);
  expect(rang).toBe(false);
});

test("an alarm may clear others and set itself again", async () => {
  const wheel = new TimerWheel();
  const victims = Array.from({ length: 5 }, () => new Bell());
  let left = 3;
  const { promise, resolve } = Promise.withResolvers<void>();
  class Again extends Alarm {
    ring(): void {
      for (const victim of victims) wheel.clear(victim);
      if (--left > 0) wheel.set(this, now() + 5);
      else resolve();
    }
  }
  const due = now() + 5;
  for (const victim of victims) wheel.set(victim, due);
  wheel.set(new Again(), due);
  await held(promise);
  expect(left).toBe(0);
});

test("a deadline further away than a round of the wheel does not ring in this one", async () => {
  const wheel = new TimerWheel();
  const [far, near] = [new Bell(), new Bell()];
  const start = now();
  wheel.set(far, start + 4096 + 20);
  wheel.set(near, start + 40);
  await held(near.rang);
  expect(far.slot).toBeGreaterThanOrEqual(0);
  wheel.clear(far);
});

describe("a wheel holds the process", () => {
  const source = join(repository, "src/transport/timer-wheel.ts");
  const program = (options: string, body: string): Promise<Ended> =>
    runProgram("--eval", [
      `const { Alarm, TimerWheel } = await import(${JSON.stringify(source)});
       class Bell extends Alarm { ring() { console.log("rang"); } }
       const [bell, wheel] = [new Bell(), new TimerWheel(${options})];
       ${body}`,
    ]);

  test("where it is asked to, until what is set has rung", async () => {
    const ended = await program("{ holds: true }", "wheel.set(bell, performance.now() + 300);");
    expect(ended).toMatchObject({ code: 0, stdout: "rang\n", stderr: "" });
  });

  test("and no longer once that is cleared, whatever came before", async () => {
    const startMs = now();
    const body = `const other = new Bell();
      for (let i = 0; i < 3; i++) {
        wheel.set(bell, performance.now() + 60_000);
        wheel.set(other, performance.now() + 50);
        wheel.clear(bell);
        await new Promise((resolve) => setTimeout(resolve, 100));
        wheel.clear(other);
      }
      wheel.set(bell, performance.now() + 60_000);
      wheel.clear(bell);`;
    expect(await program("{ holds: true }", body)).toMatchObject({ code: 0, stdout: "rang\nrang\nrang\n", stderr: "" });
    expect(now() - startMs).toBeLessThan(30_000);
  });

  test("not otherwise", async () => {
    const ended = await program("", "wheel.set(bell, performance.now() + 60_000);");
    expect(ended).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});

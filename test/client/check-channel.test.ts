import { createChannel } from "trunkline";
import { expect, test } from "vitest";

const numbers = ["resolveTimeoutMs", "slowStartMs", "doubtMs"];
const ofBreaker = ["openMs", "maxOpenMs", "probeTimeoutMs", "fairTimeMs", "windowMs", "consecutiveFaults", "faultRate"];

test.each([Number.NaN, -1, "5" as never])("%s is refused for each number, by its name", (value) => {
  for (const name of numbers) {
    expect(() => createChannel({ endpoints: ["127.0.0.1:1"], [name]: value })).toThrow(`${name} is`);
  }
  for (const name of ofBreaker) {
    const channel = () => createChannel({ endpoints: ["127.0.0.1:1"], breaker: { [name]: value } });
    expect(channel).toThrow(TypeError);
    expect(channel).toThrow(`${name} is`);
  }
});

test("Infinity is taken for what may last for ever", async () => {
  const breaker = { openMs: Infinity, maxOpenMs: Infinity, probeTimeoutMs: Infinity };
  await createChannel({ endpoints: ["127.0.0.1:1"], breaker, doubtMs: Infinity }).close();
});

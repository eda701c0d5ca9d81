import { beforeEach, expect, test } from "vitest";
import { memoryRegistry } from "../../src/registry/memory.ts";
import { registryContract } from "../contract/registry.ts";
import { watchService } from "../support/snapshots.ts";

let registry = memoryRegistry();
beforeEach(() => {
  registry = memoryRegistry();
});

registryContract("memory", () => registry);

test("a thousand servers that come at once are told in few snapshots, the last of them whole", async () => {
  const watched = watchService(registry, "a.B");
  for (let i = 0; i < 1_000; i++) {
    registry.register({ services: ["a.B"], endpoint: { address: `10.0.${i >> 8}.${i & 255}:1000` } });
  }
  await watched.until(({ endpoints }) => endpoints.length === 1_000);
  expect(watched.seen.reduce((sum, { endpoints }) => sum + endpoints.length, 0)).toBeLessThan(10_000);
});

import { beforeEach } from "vitest";
import { memoryRegistry } from "../../src/registry/memory.ts";
import { registryContract } from "../contract/registry.ts";

let registry = memoryRegistry();
beforeEach(() => {
  registry = memoryRegistry();
});

registryContract("memory", () => registry);

// `trunkline/testing`: whole services in one process, without a port, parts of them, and faults on demand.
export { memoryRegistry } from "../registry/memory.ts";
export { memoryTransport } from "../transport/memory.ts";
export { atOnce } from "./at-once.ts";
export { fakeClient } from "./fake-client.ts";
export { type HandlerContextInit, handlerContext } from "./handler-context.ts";
export { type InMemory, type InMemoryOptions, inMemory } from "./in-memory.ts";
export { type FaultOptions, injectFaults } from "./inject-faults.ts";

// `trunkline/testing`: whole services in one process, without a port, and faults on demand.
export { memoryRegistry } from "../registry/memory.ts";
export { memoryTransport } from "../transport/memory.ts";
export { type FaultOptions, injectFaults } from "./inject-faults.ts";

// Registers at the etcd it is given, stands still when told to, and ends with its parent.
import { etcd } from "../../src/registry/etcd/index.ts";

const [url = "", service = "", address = ""] = process.argv.slice(2);
const registry = etcd(url, { ttlSeconds: 2 });
process.once("disconnect", () => process.exit());
process.on("message", (stallMs: number) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
});
await registry.register({ services: [service], endpoint: { address } }).registered;
process.send?.("registered");

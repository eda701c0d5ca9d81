// A program where the package etcd3 is not installed: node without-etcd3.ts
import { registerHooks } from "node:module";
import { etcd } from "../../src/registry/etcd/index.ts";

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === "etcd3") throw new Error("Cannot find package 'etcd3'");
    return next(specifier, context);
  },
});

const told: string[] = [];
const log = (level: string) => (fields: object, text: string) => {
  told.push(`${level}: ${text}: ${(fields as { reason?: string }).reason}`);
};
const logger = { debug: () => {}, info: log("info"), warn: log("warn"), error: log("error") };
await using registry = etcd("http://127.0.0.1:1", { client: "etcd3", logger });
const reason = (error: Error) => error.message;
const { registered } = registry.register({ services: ["a.B"], endpoint: { address: "10.0.0.1:1000" } });
const registering = await registered.then(() => "registered", reason);
const { promise: heard, resolve } = Promise.withResolvers<object>();
registry.resolve("a.B", resolve);
const services = await registry.services().catch(reason);
console.log(JSON.stringify({ registering, heard: await heard, services, told }));

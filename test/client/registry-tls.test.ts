import { expect, test } from "vitest";
import { createChannel } from "../../src/client/channel.ts";
import { etcd } from "../../src/registry/etcd/index.ts";
import { memoryRegistry } from "../../src/registry/memory.ts";
import { staticRegistry } from "../../src/registry/static.ts";
import { authority } from "../support/certs.ts";
import { createLog } from "../support/log.ts";

const found = etcd("http://127.0.0.1:1");

test.each([
  ["a registry that others write, TLS, and no name to verify", { registry: found, tls: { ca: authority } }, 1],
  ["a name", { registry: found, tls: { ca: authority, serverName: "greeter.internal" } }, 0],
  ["no TLS", { registry: found }, 0],
  ["a list of the program's own", { registry: staticRegistry(["127.0.0.1:1"]), tls: { ca: authority } }, 0],
  ["a registry of the program's own", { registry: memoryRegistry(), tls: { ca: authority } }, 0],
  ["given servers", { endpoints: ["127.0.0.1:1"], tls: { ca: authority } }, 0],
] as const)("a channel with %s warns as often as it should", async (_what, options, warnings) => {
  const log = createLog();
  await createChannel({ ...options, logger: log }).close();
  expect(log.of("warn").filter(({ message }) => message.includes("tls.serverName")).length).toBe(warnings);
});

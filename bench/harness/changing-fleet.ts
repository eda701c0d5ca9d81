import { KV } from "../../gen/etcd/api/etcdserverpb/rpc.rpc.ts";
import { createChannel } from "../../src/client/channel.ts";
import { createClient } from "../../src/client/client.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { createDevEtcd } from "../../src/devetcd/dev-etcd.ts";
import { goNaming } from "../../src/registry/etcd/dialects/go-naming.ts";
import type { Resolver } from "../../src/registry/registry.ts";
import { Bench } from "../contract.ts";

/** Servers of which one changes so often in a second: it says another weight, goes, or comes back. */
export interface Fleet {
  /** Loopback addresses, from 127.0.0.1 upward, that one server listens on. */
  readonly port: number;
  readonly endpoints: number;
  readonly changesPerSecond: number;
}

export interface Changed {
  readonly address: string;
  /** `undefined`: it has gone. */
  readonly endpoint: Endpoint | undefined;
}

const methods = "bench.v1.Bench/Chat,Download,Echo,Hello,Park,Place,Release,Work";

function addressesOf({ port, endpoints }: Fleet): string[] {
  return Array.from({ length: endpoints }, (_, i) => `127.0.${(i + 1) >> 8}.${(i + 1) & 255}:${port}`);
}

function endpointOf(address: string, weight: number): Endpoint {
  return { address, metadata: { methods, version: "1.4.2", zone: "eu-1", weight: String(weight) } };
}

/** Makes changes at an even rate, catching up where the process was busy. Returns how to stop. */
function keepChanging(fleet: Fleet, change: (changed: Changed) => void): () => void {
  const addresses = addressesOf(fleet);
  const gone: string[] = [];
  let made = 0;
  const next = (): Changed => {
    const address = addresses[Math.floor(Math.random() * addresses.length)] as string;
    if (made % 2 === 0) return { address, endpoint: endpointOf(address, 1 + (made % 3)) };
    const back = gone.pop();
    if (back !== undefined) return { address: back, endpoint: endpointOf(back, 1) };
    gone.push(address);
    return { address, endpoint: undefined };
  };
  const began = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * fleet.changesPerSecond;
    for (; made < due; made++) change(next());
  }, 1);
  return () => clearInterval(timer);
}

/** A resolver of this process that makes a whole list for each change. */
export function changingResolver(fleet: Fleet): Resolver {
  return {
    resolve(_service, listener) {
      const known = new Map(addressesOf(fleet).map((address) => [address, endpointOf(address, 1)]));
      const say = () => listener({ endpoints: [...known.values()], state: "current" });
      say();
      if (fleet.changesPerSecond === 0) return () => {};
      return keepChanging(fleet, ({ address, endpoint }) => {
        if (endpoint === undefined) known.delete(address);
        else known.set(address, endpoint);
        say();
      });
    },
  };
}

/** The embedded registry, with one key written for each change. Lives as long as its process. */
export async function changingRegistry(fleet: Fleet): Promise<{ readonly uri: string }> {
  const registry = createDevEtcd();
  const channel = createChannel({ endpoints: [await registry.listen()] });
  const kv = createClient(KV, channel);
  const write = goNaming().write;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const change = async ({ address, endpoint }: Changed) => {
    const { key, value } = write(Bench.name, endpoint ?? { address }, "0");
    if (endpoint === undefined) await kv.deleteRange({ key: bytes(key) });
    else await kv.put({ key: bytes(key), value: bytes(value) });
  };
  for (const address of addressesOf(fleet)) await change({ address, endpoint: endpointOf(address, 1) });
  const failed = (error: Error) => {
    throw error;
  };
  if (fleet.changesPerSecond > 0) keepChanging(fleet, (changed) => void change(changed).catch(failed));
  return { uri: registry.uri as string };
}

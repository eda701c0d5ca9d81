import { readFileSync } from "node:fs";
import { type Channel, createChannel } from "../client/channel.ts";
import { checkTls } from "../core/check-tls.ts";
import { parseAddress } from "../core/endpoint.ts";
import { isUnixAddress, plainAddresses } from "../core/grpc-address.ts";
import type { ClientTls } from "../core/transport.ts";
import type { Registry, Resolver } from "../registry/registry.ts";
import { staticRegistry } from "../registry/static.ts";
import type { Switch, TextFlag, Values } from "./command.ts";
import { reflectionPackage } from "./reflection.ts";
import { openRegistry, registryFlag, registryUri } from "./registry-flag.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

type TextFlagName = "registry" | "address" | "ca" | "cert" | "key" | "server-name";

/** Flags that say which server to call, and how to trust it. */
export const targetFlags: Readonly<Record<TextFlagName, TextFlag> & Record<"tls", Switch>> = {
  registry: registryFlag,
  address: { type: "string", short: "a", value: "HOST:PORT", summary: "The server itself, in place of a registry." },
  tls: { type: "boolean", summary: "Call over TLS; the flags below imply it." },
  ca: { type: "string", value: "FILE", summary: "Authorities to trust, in PEM; the system's by default." },
  cert: { type: "string", value: "FILE", summary: "The client's certificate in PEM, for mutual TLS." },
  key: { type: "string", value: "FILE", summary: "The key of the client's certificate, in PEM." },
  "server-name": { type: "string", value: "NAME", summary: "The name to verify in the server's certificate." },
};

/** The way to the servers of one service. */
export interface Target {
  readonly channel: Channel;
  /** Where the servers are found, unless the flags give an address. */
  readonly registry: Registry | undefined;
  /** For an error: `no server at 127.0.0.1:50051`. */
  readonly nobody: string;
  /** Asks the servers of another service for the contract: of the one that was meant. */
  turnTo(service: string): void;
  close(): Promise<void>;
}

/** Where servers are found, and how they are trusted. */
export interface Servers {
  readonly registry: Registry;
  readonly tls: ClientTls | undefined;
}

/** @throws UsageError where the flags name no server */
export async function openServers(values: Values<typeof targetFlags>, terminal: Terminal): Promise<Servers> {
  const tls = tlsOf(values);
  if (values.address !== undefined) {
    if (values.registry !== undefined) throw new UsageError("give --address or --registry, not both");
    return { registry: staticRegistry([checkedAddress(values.address)]), tls };
  }
  const uri = registryUri(values.registry, terminal);
  if (uri === undefined) {
    throw new UsageError("which server? give --address HOST:PORT or --registry URI, or set TRUNKLINE_REGISTRY");
  }
  const registry = await openRegistry(uri);
  if (tls !== undefined && tls.serverName === undefined && !registry.local) {
    terminal.note("whoever may write the registry and has a certificate is trusted: --server-name says whom to expect");
  }
  return { registry, tls };
}

/** @throws UsageError where the flags name no server */
export async function openTarget(
  service: string,
  values: Values<typeof targetFlags>,
  terminal: Terminal,
): Promise<Target> {
  const { registry, tls } = await openServers(values, terminal);
  if (values.address !== undefined) {
    const channel = createChannel({ endpoints: [values.address], tls });
    const nobody = `no server at ${values.address}`;
    return { channel, registry: undefined, nobody, turnTo() {}, close: () => channel.close() };
  }
  let asked = service;
  const channel = createChannel({ registry: reflectionOn(() => asked, registry), tls });
  return {
    channel,
    registry,
    get nobody() {
      return `no endpoint of ${asked}`;
    },
    turnTo(other) {
      asked = other;
    },
    async close() {
      await channel.close();
      await registry.close();
    },
  };
}

/** Nobody registers reflection: it is asked of the servers of the service that is to be called. */
function reflectionOn(service: () => string, registry: Resolver): Resolver {
  return {
    local: registry.local,
    resolve: (name, listener) => registry.resolve(name.startsWith(reflectionPackage) ? service() : name, listener),
  };
}

export function checkedAddress(address: string): string {
  try {
    for (const each of plainAddresses(address)) if (!isUnixAddress(each)) parseAddress(each);
    return address;
  } catch (error) {
    throw new UsageError(`--address: ${(error as Error).message}; a registry is given by --registry`);
  }
}

function tlsOf({ tls, ca, cert, key, "server-name": serverName }: Values<typeof targetFlags>): ClientTls | undefined {
  const given = [ca, cert, key, serverName].some((flag) => flag !== undefined);
  if (!tls && !given) return undefined;
  if ((cert === undefined) !== (key === undefined)) throw new UsageError("--cert and --key go together");
  const read = { ca: pem("--ca", ca), cert: pem("--cert", cert), key: pem("--key", key), serverName };
  try {
    checkTls(read, "client");
  } catch (error) {
    throw new UsageError(inFlags((error as Error).message));
  }
  return read;
}

/** Options are named as they are written in a program: `tls.ca`. */
function inFlags(message: string): string {
  return message.replace("give tls.passphrase", "give one that is not").replace(/\btls\.(?=(ca|cert|key)\b)/g, "--");
}

function pem(flag: string, path: string | undefined): Uint8Array | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path);
  } catch (error) {
    throw new UsageError(`${flag}: ${(error as Error).message}`);
  }
}

import { once } from "node:events";
import { parseAddress } from "../core/endpoint.ts";
import { plainAddress } from "../core/grpc-address.ts";
import { shownUri } from "../core/shown-uri.ts";
import { createDevEtcd } from "../devetcd/index.ts";
import { createComings } from "./comings.ts";
import { type Command, command } from "./command.ts";
import { UsageError } from "./usage-error.ts";

const defaultAddress = "127.0.0.1:2379";

/** `trunkline dev` */
export const dev: Command = command({
  name: "dev",
  usage: "[flags]",
  description: "Runs a registry in this terminal: etcd's v3 API, in memory. What it holds is gone when it stops.",
  flags: {
    listen: {
      type: "string",
      value: "HOST:PORT",
      summary: `Where to listen; ${defaultAddress} by default, :0 for any port.`,
    },
    json: { type: "boolean", summary: "Print one line of JSON: address and uri." },
    quiet: { type: "boolean", short: "q", summary: "Print nothing, not even who comes and goes." },
  },
  examples: ["trunkline dev", "trunkline dev --listen 127.0.0.1:0 --json"],
  async run({ values, positionals, terminal, signal }) {
    if (positionals.length > 0)
      throw new UsageError(`trunkline dev takes no argument, "${shownUri(positionals[0] ?? "")}" was given`);
    const wanted = values.listen ?? defaultAddress;
    const { host } = checkedAddress(wanted);
    // Later than any revision of a run before, so that a client that watches on learns that its history is gone.
    const comings = values.json || values.quiet ? undefined : createComings((line) => void terminal.print(line));
    const registry = createDevEtcd({ firstRevision: BigInt(Date.now()), onKey: comings?.tell });
    const address = await registry.listen(wanted).catch((error: Error) => Promise.reject(explained(error, wanted)));
    const uri = `etcd://${address}`;
    if (values.json) await terminal.print(JSON.stringify({ address, uri }));
    else if (!values.quiet) await terminal.print(...greeting(uri));
    if (!isLoopback(host)) terminal.note(`Whoever reaches ${address} can read and write it: it asks for no password.`);
    if (!signal.aborted) await once(signal, "abort");
    comings?.stop();
    await registry.close();
    return 0;
  },
});

function greeting(uri: string): string[] {
  return [
    `The registry listens: ${uri}`,
    `Servers and clients find it by: export TRUNKLINE_REGISTRY=${uri}`,
    "Ctrl-C stops it, and what it holds is gone. Who comes and goes:",
  ];
}

function checkedAddress(address: string): { readonly host: string } {
  try {
    return parseAddress(plainAddress(address));
  } catch {
    const how = "write host:port, with IPv6 in brackets ([::1]:2379)";
    throw new UsageError(`trunkline dev --listen: "${shownUri(address)}" is no address: ${how}`);
  }
}

function explained(error: Error, address: string): Error {
  if ((error.cause as NodeJS.ErrnoException | undefined)?.code !== "EADDRINUSE") return error;
  const hint = "an etcd or another `trunkline dev` may be running: use that one, or choose a port with --listen";
  return new Error(`${address} is taken; ${hint} 127.0.0.1:0`);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

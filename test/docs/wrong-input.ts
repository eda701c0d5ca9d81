import * as trunkline from "trunkline";
import * as etcd from "trunkline/etcd";
import * as grpcJs from "trunkline/grpc-js";
import * as testing from "trunkline/testing";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { HelloReply } from "../../gen/greeter/v1/greeter.ts";
import { defineService, unary } from "../../src/core/contract.ts";
import { trunkline as commandLine } from "../cli/trunkline.ts";
import { greetings } from "../support/greeter.ts";
import { Rich } from "../transport/codec/golden/rich.ts";

type Run = (scope: object) => Promise<unknown>;
const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => Run;
/** How the page writes the server's address, whatever the port is. */
const ADDRESS = "127.0.0.1:50051";

const RichService = defineService("rich.v1.Rich", { take: unary("Take", Rich, Rich) });

/** Where wrong inputs are run: beside all that the package exports, with a server, and a channel and a client to it. */
export interface Scope extends AsyncDisposable {
  /** What the input fails with, as text. */
  failureOf(input: string): Promise<string>;
}

export async function createScope(): Promise<Scope> {
  const { createChannel, createClient, createServer } = trunkline;
  const server = createServer().add(Greeter, greetings);
  const address = await server.listen("127.0.0.1:0");
  const channel = createChannel({ endpoints: [address] });
  const names = {
    ...{ ...trunkline, ...etcd, ...grpcJs, ...testing },
    ...{ Greeter, HelloReply, greetings, server, channel, greeter: createClient(Greeter, channel) },
    rich: createClient(RichService, channel),
    ...{ closed: createChannel({ endpoints: [address] }), other: createServer(), auth: () => undefined },
  };

  async function failureOfCode(code: string): Promise<string> {
    const body = code.endsWith(";") ? code : `return (${code});`;
    const run = new AsyncFunction(`{ ${Object.keys(names).join(", ")} }`, body);
    try {
      await run(names);
    } catch (error) {
      return String(error);
    }
    return "";
  }

  async function failureOfCommand(args: readonly string[]): Promise<string> {
    const { code, stderr } = await commandLine(args);
    return code === 0 ? "" : (stderr.split("\n")[0] ?? "");
  }

  return {
    async failureOf(input) {
      const [, command] = /^trunkline\b(.*)$/.exec(input) ?? [];
      const failure =
        command === undefined
          ? await failureOfCode(input)
          : await failureOfCommand(wordsOf(command).map((word) => (word === ADDRESS ? address : word)));
      return failure.replaceAll(address, ADDRESS);
    },
    async [Symbol.asyncDispose]() {
      await channel.close();
      await server.close({ timeoutMs: 0 });
    },
  };
}

/** A command's words, quotes taken off. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

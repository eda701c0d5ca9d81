import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../support/program.ts";
import { caseNames } from "../greeter/cases.ts";
import { javaPeer, javaVersion } from "../java.ts";
import { type Running, type StartOptions, start, startNode } from "../processes.ts";
import { fromUs, type Row, rowOf, type Suite, type TransportName, toUs, transports } from "../row.ts";
import { goPeers, goVersion, peerProgram, python, pythonPath, pythonVersion } from "../toolchain.ts";

/** How the programs of one language are started. */
interface Peer {
  readonly name: string;
  readonly version: string;
  start(role: "server" | "client", options: StartOptions): Promise<Running>;
}

const grpcJsPackage = readFileSync(join(repository, "node_modules/@grpc/grpc-js/package.json"), "utf8");

const peers: readonly Peer[] = [
  {
    name: "grpc-go",
    version: goVersion("google.golang.org/grpc"),
    start: async (role, options) => start(join(await goPeers(), "stock"), [role], options),
  },
  {
    name: "grpcio (Python)",
    version: pythonVersion("grpcio"),
    async start(role, { env }) {
      const interpreter = await python();
      return start(interpreter, [peerProgram(`python/${role}.py`)], { env: { ...env, PYTHONPATH: pythonPath } });
    },
  },
  {
    name: "grpc-java",
    version: javaVersion,
    async start(role, options) {
      const classPath = await javaPeer();
      return start("java", ["-cp", classPath, role === "server" ? "GreeterServer" : "GreeterClient"], options);
    },
  },
  {
    name: "grpc-js",
    version: (JSON.parse(grpcJsPackage) as { version: string }).version,
    start: async (role, options) => startNode(peerProgram(`grpc-js/${role}.ts`), [], options),
  },
];

const ours = (role: "server" | "client") => join(import.meta.dirname, `../greeter/${role}.ts`);

async function between(peer: Peer, transport: TransportName, toPeer: boolean): Promise<Row> {
  const env = { TRANSPORT: transport };
  const server = toPeer ? await peer.start("server", {}) : startNode(ours("server"), [], { env });
  try {
    const [, address] = await server.printed(/listening on (\S+)/);
    const options = { env: { ...env, ADDRESS: address }, timeoutMs: 60_000 };
    const client = toPeer ? startNode(ours("client"), [], options) : await peer.start("client", options);
    await client.ended;
    const direction = toPeer ? fromUs(peer.name) : toUs(peer.name);
    const facts = { suite: "greeter", peer: peer.name, version: peer.version, direction, transport };
    return rowOf(facts, client.output, caseNames.length);
  } finally {
    await server.stop();
  }
}

/** The greeter against one language's gRPC: every language is a suite, since each needs a toolchain of its own. */
export const greeterSuites: readonly Suite[] = peers.map((peer) => ({
  name: `greeter-${/^[\w-]+/.exec(peer.name)?.[0]}`,
  what: `the greeter with ${peer.name}, both ways: ${caseNames.join(", ")}`,
  async *run() {
    for (const transport of transports) {
      yield between(peer, transport, true);
      yield between(peer, transport, false);
    }
  },
}));

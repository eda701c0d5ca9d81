import { join } from "node:path";
import { repository } from "../../support/program.ts";
import { start } from "../processes.ts";
import { type Row, type Suite, type TransportName, transports } from "../row.ts";
import { goTool } from "../toolchain.ts";

const version = "v1.0.6";
const folder = join(repository, "test/conformance");

async function runOnce(mode: string, transport: TransportName): Promise<string> {
  const runner = await goTool("connectrpc.com/conformance/cmd/connectconformance", version);
  const known = (kind: string) => `@${folder}/grpc-js/${mode}-${kind}.txt`;
  const args = ["--mode", mode, "--conf", join(folder, "config.yaml")];
  if (transport === "grpc-js") args.push("--known-failing", known("failing"), "--known-flaky", known("flaky"));
  const underTest = [process.execPath, "--conditions=@trunkline/source", join(folder, `${mode}.ts`)];
  const program = start(runner, [...args, "--", ...underTest], { env: { TRANSPORT: transport } });
  await program.ended;
  return program.output;
}

async function rowFor(mode: "client" | "server", transport: TransportName): Promise<Row> {
  let output = await runOnce(mode, transport);
  // The runner's own reference client sometimes dies of a race of its own.
  if (output.includes("fatal error: concurrent map")) output = await runOnce(mode, transport);
  const [, passed, failed] = /(\d+) passed, (\d+) failed/.exec(output) ?? [];
  const skipped = Number(/Another (\d+) failed as expected/.exec(output)?.[1] ?? 0);
  const complete = passed !== undefined && !/could not be run/.test(output);
  return {
    suite: "conformance",
    peer: "connectconformance",
    version: version.slice(1),
    direction: `Trunkline as ${mode}`,
    transport,
    passed: Number(passed ?? 0),
    failed: complete ? Number(failed) : Math.max(1, Number(failed ?? 0)),
    skipped,
    ...(skipped > 0 && { reason: `what the library grpc-js cannot do: test/conformance/grpc-js/${mode}-*.txt` }),
    failures: complete
      ? output.split("\n").filter((line) => line.startsWith("FAILED"))
      : [`the run did not end: ${output.slice(0, 500)}`],
  };
}

export const conformance: Suite = {
  name: "conformance",
  what: "connectrpc/conformance, gRPC over HTTP/2: every case, client and server",
  async *run() {
    for (const transport of transports) {
      for (const mode of ["client", "server"] as const) yield rowFor(mode, transport);
    }
  },
};

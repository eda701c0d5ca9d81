import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { start, startNode } from "../processes.ts";
import { fromUs, type Row, rowOf, type Suite, type TransportName, toUs, transports } from "../row.ts";
import { cache, goTool, goVersion } from "../toolchain.ts";

const program = (name: string) => join(import.meta.dirname, `../grpc/${name}.ts`);

const cases = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "custom_metadata",
  "status_code_and_message",
  "special_status_message",
  "unimplemented_method",
  "unimplemented_service",
];
// grpc-go's client has no soak, its server does not look whether a request was compressed.
const ourCases = [...cases, "server_compressed_unary", "server_compressed_streaming", "rpc_soak", "channel_soak"];
const soakRounds = 10;

const certs = join(import.meta.dirname, "../../support/certs");
const authority = join(certs, "ca.pem");

async function goServer(tls: boolean): Promise<{ address: string; stop(): Promise<void> }> {
  const server = await goTool("google.golang.org/grpc/interop/server", `v${goVersion("google.golang.org/grpc")}`);
  const port = await freePort();
  const files = [
    "--use_tls",
    "--tls_cert_file",
    join(certs, "server.pem"),
    "--tls_key_file",
    join(certs, "server.key"),
  ];
  const running = start(server, ["--port", `${port}`, ...(tls ? files : [])], {
    env: { GRPC_GO_LOG_SEVERITY_LEVEL: "info" },
  });
  await running.printed(/ListenSocket created|Server #\d+ created/);
  return { address: `127.0.0.1:${port}`, stop: () => running.stop() };
}

async function ourClient(transport: TransportName, tls: boolean): Promise<Row> {
  const server = await goServer(tls);
  const env = {
    ADDRESS: server.address,
    TRANSPORT: transport,
    ...(tls && { CA: authority, SERVER_NAME: "localhost" }),
  };
  const client = startNode(program("client"), ourCases, { env, timeoutMs: 60_000 });
  await client.ended;
  await server.stop();
  return rowOf({ ...facts(tls), direction: fromUs("grpc-go"), transport }, client.output, ourCases.length);
}

async function ourServer(transport: TransportName, tls: boolean): Promise<Row> {
  const client = await goTool("google.golang.org/grpc/interop/client", `v${goVersion("google.golang.org/grpc")}`);
  const env = { TRANSPORT: transport, ...(tls && { CERT: join(certs, "server.pem"), KEY: join(certs, "server.key") }) };
  const server = startNode(program("server"), [], { env });
  const [, port = ""] = await server.printed(/listening on \S+:(\d+)/);
  const lines: string[] = [];
  const rounds = Array.from({ length: soakRounds }, () => "large_unary");
  for (const name of [...cases, ...rounds]) {
    const secure = ["--use_tls", "--use_test_ca", "--ca_file", authority, "--server_host_override", "localhost"];
    const args = ["--server_host", "127.0.0.1", "--server_port", port, "--test_case", name, ...(tls ? secure : [])];
    const one = start(client, args, { timeoutMs: 20_000 });
    lines.push((await one.ended) === 0 ? `${name} passed` : `${name} failed: ${one.output.slice(-300)}`);
  }
  await server.stop();
  return rowOf({ ...facts(tls), direction: toUs("grpc-go"), transport }, lines.join("\n"), cases.length + soakRounds);
}

const facts = (tls: boolean) => ({
  suite: tls ? "gRPC interop, TLS" : "gRPC interop",
  peer: "grpc-go",
  version: goVersion("google.golang.org/grpc"),
});

export const grpcCases: Suite = {
  name: "grpc-cases",
  what: "gRPC's own interop cases with grpc-go, in plaintext and over TLS, both ways",
  async *run() {
    mkdirSync(cache, { recursive: true });
    for (const transport of transports) {
      for (const tls of [false, true]) {
        yield ourClient(transport, tls);
        yield ourServer(transport, tls);
      }
    }
  },
};

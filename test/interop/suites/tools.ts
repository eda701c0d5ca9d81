import { join } from "node:path";
import { Code, createServer, RpcError, type Server } from "trunkline";
import { Greeter } from "../../../gen/greeter/v1/greeter.rpc.ts";
import { greetings } from "../../support/greeter.ts";
import { repository } from "../../support/program.ts";
import { run, start, startNode } from "../processes.ts";
import { fromUs, rowOfChecks, type Suite, toUs } from "../row.ts";
import { goPeers, goTool, goVersion } from "../toolchain.ts";

const grpcGo = { peer: "grpc-go", version: goVersion("google.golang.org/grpc"), transport: "http2" };
const greeter = "greeter.v1.Greeter";

async function serve(implementation = greetings): Promise<Server & { readonly address: string }> {
  const server = createServer().add(Greeter, implementation);
  await server.listen("127.0.0.1:0");
  return server as Server & { readonly address: string };
}

function has(text: string, ...wanted: readonly string[]): void {
  const missing = wanted.filter((each) => !text.includes(each));
  if (missing.length > 0) throw new Error(`no ${missing.join(", no ")} in: ${text.slice(0, 500)}`);
}

export const serviceConfig: Suite = {
  name: "service-config",
  what: "the service config generated from the contract, in a grpc-go client: what is safe is tried again, the rest not",
  async *run() {
    const programs = await goPeers();
    const attempts = { sayHello: 0, sayHelloAgain: 0 };
    const failFirst = (method: keyof typeof attempts, times: number) => {
      attempts[method] += 1;
      if (attempts[method] <= times) throw new RpcError(Code.UNAVAILABLE, "not yet");
      return { message: "at last" };
    };
    await using server = await serve({
      ...greetings,
      sayHello: () => failFirst("sayHello", 2),
      sayHelloAgain: () => failFirst("sayHelloAgain", 2),
    });
    const file = join(repository, `gen/service_config/${greeter}.json`);
    const env = { ADDRESS: server.address, SERVICE_CONFIG: file };
    const output = await run(join(programs, "stock"), ["retry"], { env });
    yield rowOfChecks(
      { suite: "service config", ...grpcGo, direction: toUs("grpc-go") },
      {
        "SayHello succeeds at the third attempt": () => {
          has(output, "SayHello: at last <nil>");
          if (attempts.sayHello !== 3) throw new Error(`${attempts.sayHello} attempts`);
        },
        "SayHelloAgain is tried once": () => {
          has(output, "SayHelloAgain:  rpc error: code = Unavailable desc = not yet");
          if (attempts.sayHelloAgain !== 1) throw new Error(`${attempts.sayHelloAgain} attempts`);
        },
      },
    );
  },
};

export const health: Suite = {
  name: "health",
  what: "grpc.health.v1 as grpc-go's health client asks for it: Check, and Watch as the status changes",
  async *run() {
    const programs = await goPeers();
    await using server = await serve();
    const client = start(join(programs, "stock"), ["health"], { env: { ADDRESS: server.address } });
    yield rowOfChecks(
      { suite: "health", ...grpcGo, direction: toUs("grpc-go") },
      {
        "Check says SERVING": async () => void (await client.printed(/^check SERVING$/m)),
        "Watch says SERVING at first": async () => void (await client.printed(/^watch SERVING$/m)),
        "Watch says NOT_SERVING once it is so": async () => {
          server.health.set(greeter, "NOT_SERVING");
          await client.printed(/^watch NOT_SERVING$/m);
        },
      },
    );
    await client.stop();
  },
};

export const reflection: Suite = {
  name: "reflection",
  what: "grpcurl and buf curl without a .proto against our server, trunkline call against grpc-go's",
  async *run() {
    const version = "v1.9.3";
    const grpcurl = await goTool("github.com/fullstorydev/grpcurl/cmd/grpcurl", version);
    await using server = await serve();
    const plain = (...args: readonly string[]) => run(grpcurl, ["-plaintext", ...args]);
    yield rowOfChecks(
      {
        suite: "reflection",
        peer: "grpcurl",
        version: version.slice(1),
        direction: toUs("grpcurl"),
        transport: "http2",
      },
      {
        list: async () => has(await plain(server.address, "list"), greeter, "grpc.health.v1.Health"),
        describe: async () => has(await plain(server.address, "describe", greeter), "rpc SayHello", "stream"),
        "a call": async () =>
          has(await plain("-d", '{"name":"Ada"}', server.address, `${greeter}/SayHello`), '"message": "Hello Ada"'),
        "a stream": async () =>
          has(await plain("-d", '{"name":"Ada"}{"name":"Grace"}', server.address, `${greeter}/Chat`), "Ada", "Grace"),
        health: async () => has(await plain(server.address, "grpc.health.v1.Health/Check"), "SERVING"),
      },
    );
    const curl = (...args: readonly string[]) =>
      run("buf", ["curl", "--http2-prior-knowledge", "--protocol", "grpc", ...args]);
    const url = `http://${server.address}`;
    yield rowOfChecks(
      {
        suite: "reflection",
        peer: "buf curl",
        version: (await run("buf", ["--version"])).trim(),
        direction: toUs("buf curl"),
        transport: "http2",
      },
      {
        list: async () => has(await curl("--list-services", url), greeter),
        "a call": async () => has(await curl("-d", '{"name":"Ada"}', `${url}/${greeter}/SayHello`), "Hello Ada"),
        "a stream": async () =>
          has(await curl("-d", '{"name":"Ada"}{"name":"Grace"}', `${url}/${greeter}/Chat`), "Ada", "Grace"),
      },
    );
    const theirs = start(join(await goPeers(), "stock"), ["server"]);
    const [, address = ""] = await theirs.printed(/listening on (\S+)/);
    yield rowOfChecks(
      { suite: "reflection", ...grpcGo, direction: fromUs("grpc-go") },
      {
        "trunkline call": async () => {
          const args = ["call", `${greeter}/SayHello`, "-d", '{"name":"Ada"}', "--address", address];
          const call = startNode(join(repository, "src/cli/main.ts"), args);
          await call.ended;
          has(call.output, "Hello Ada");
        },
      },
    );
    await theirs.stop();
  },
};

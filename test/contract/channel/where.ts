import { createClient, createServer, type Interceptor, type ServerOptions } from "trunkline";
import { expect, test } from "vitest";
import { Greeter } from "../../../gen/greeter/v1/greeter.rpc.ts";
import { Health } from "../../../gen/grpc/health/v1/health.rpc.ts";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection.rpc.ts";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { greetings } from "../../support/greeter.ts";
import { collected, failure, type World } from "./world.ts";

/** Where interceptors stand: around everything, a service, a method, or what a server answers by itself. */
export function where(world: () => World): void {
  let seen: string[] = [];
  const marks =
    (mark: string): Interceptor =>
    (next) =>
    (call) => {
      seen.push(`${mark}:${call.method.name}`);
      return next(call);
    };
  const refuses: Interceptor = () => () => Promise.reject(new Error("nobody comes by here"));

  async function serve(options: ServerOptions = {}): Promise<{ address: string; transport: World }> {
    seen = [];
    const one = world();
    const server = createServer({ ...options, transport: one.transport });
    one.after(() => server.close({ timeoutMs: 0, quietMs: 0 }));
    server.add(
      Probe,
      {
        echo: (request) => request,
        async *expand() {
          yield {};
        },
        collect: () => ({}),
        async *converse() {},
      },
      { interceptors: [marks("probe"), marks("probe 2")], methodInterceptors: { echo: [marks("echo")] } },
    );
    server.add(Greeter, greetings);
    return { address: await server.listen("127.0.0.1:0"), transport: one };
  }

  test("a call goes by the client's for the method, the service, the channel's; the server's, the service's, the method's", async () => {
    const { address, transport } = await serve({ interceptors: [marks("server")] });
    const channel = transport.channel([address], { interceptors: [marks("channel")] });
    const probe = createClient(Probe, channel, {
      interceptors: [marks("client"), marks("client 2")],
      methodInterceptors: { echo: [marks("client echo")] },
    });
    await probe.echo({});
    const within = ["server", "probe", "probe 2"];
    expect(seen).toEqual(
      ["client echo", "client", "client 2", "channel", ...within, "echo"].map((mark) => `${mark}:Echo`),
    );
    seen = [];
    await collected(probe.expand({}));
    expect(seen).toEqual(["client", "client 2", "channel", ...within].map((mark) => `${mark}:Expand`));
    seen = [];
    await createClient(Greeter, channel).sayHello({ name: "you" });
    expect(seen).toEqual(["channel:SayHello", "server:SayHello"]);
  });

  test("those of a server leave health and reflection alone", async () => {
    const { address, transport } = await serve({ interceptors: [refuses] });
    const channel = transport.channel([address]);
    expect(await failure(createClient(Greeter, channel).sayHello({}))).toMatchObject({ codeName: "UNKNOWN" });
    expect(await createClient(Health, channel).check({})).toMatchObject({ status: 1 });
    const asked = [{ messageRequest: { $case: "listServices", value: "" } as const }];
    expect(await collected(createClient(ServerReflection, channel).serverReflectionInfo(asked))).toHaveLength(1);
  });

  test("health and reflection have theirs, where a server is told to", async () => {
    const { address, transport } = await serve({ builtInInterceptors: [marks("built in"), refuses] });
    const channel = transport.channel([address]);
    const refused = { codeName: "UNKNOWN" };
    expect(await failure(createClient(Health, channel).check({}))).toMatchObject(refused);
    const stream = createClient(ServerReflection, channel).serverReflectionInfo([{}]);
    expect(await failure(stream.next())).toMatchObject(refused);
    expect(await failure(createClient(Health, channel).watch({}).next())).toMatchObject(refused);
    await createClient(Greeter, channel).sayHello({});
    expect(seen).toEqual(["built in:Check", "built in:ServerReflectionInfo", "built in:Watch"]);
  });

  test("what a client's own interceptor throws is local, and a stream can be left there", async () => {
    const { address, transport } = await serve();
    const channel = transport.channel([address]);
    const stuck: Interceptor = () => () => new Promise(() => {});
    const own = { interceptors: [refuses], methodInterceptors: { expand: [stuck] } };
    const probe = createClient(Probe, channel, own);
    expect(await failure(probe.echo({}))).toMatchObject({ codeName: "UNKNOWN", local: true });
    expect(await failure(probe.expand({}, { timeoutMs: 20 }).next())).toMatchObject({ codeName: "DEADLINE_EXCEEDED" });
    expect(await createClient(Probe, channel).echo({ text: "by another client" })).toMatchObject({
      text: "by another client",
    });
  });

  test("a method that is not there, and what is no interceptor, are refused by name", () => {
    const channel = world().channel(["127.0.0.1:1"]);
    const missing = { methodInterceptors: { ecko: [refuses] } } as object;
    const names =
      "methodInterceptors names ecko, and probe.v1.Probe has no such method; it has: echo, expand, collect, converse";
    expect(() => createClient(Probe, channel, missing)).toThrow(new TypeError(names));
    const whole = { echo: () => ({}), async *expand() {}, collect: () => ({}), async *converse() {} };
    expect(() => createServer().add(Probe, whole, missing)).toThrow(new TypeError(names));
    const none = { methodInterceptors: { echo: refuses } } as object;
    expect(() => createClient(Probe, channel, none)).toThrow(
      /^methodInterceptors.echo of probe.v1.Probe must be a list/,
    );
    expect(() => createClient(Probe, channel, { interceptors: refuses } as object)).toThrow(/^interceptors of probe/);
    expect(() => createServer({ interceptors: [{}] } as object)).toThrow(
      /^interceptors must be a list of interceptors/,
    );
    expect(() => createServer({ builtInInterceptors: null } as object)).toThrow(/^builtInInterceptors must be a list/);
  });
}

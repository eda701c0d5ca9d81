import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Code, createServer, detail, type HandlerContext, RpcError, type Server } from "trunkline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfo, RetryInfo } from "../../gen/google/rpc/error_details.ts";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Payload } from "../../gen/probe/v1/probe.ts";
import { defineService, unary } from "../../src/core/method.ts";
import type { ServerOptions } from "../../src/server/server.ts";
import { authority, clientCertificate, mutualTls, serverTls } from "../support/certs.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { opaque } from "./kitchen.ts";
import { json, lines, start, trunkline } from "./trunkline.ts";

type Running = Server & { readonly address: string };

async function startServer(options: ServerOptions = {}): Promise<Running> {
  const server = createServer(options);
  server.add(Greeter, {
    ...greetings,
    sayHelloAgain(_, { metadata }) {
      const said = `${metadata.get("x-text")} ${Buffer.from(metadata.getBytes("x-bytes-bin") ?? []).toString()}`;
      return { message: said };
    },
  });
  server.add(Probe, {
    echo(payload, context) {
      context.header = { "x-header": "first" };
      context.trailer = { "x-trailer-bin": Buffer.from("last") };
      if (payload.text === "fail") throw failure();
      return payload.text === "wait" ? new Promise(() => {}) : payload;
    },
    async *expand({ count }, context) {
      context.header = { "x-header": "first" };
      for (let i = 0; i < count; i++) yield { text: `${i}` };
      if (count === 3) throw new RpcError(Code.DATA_LOSS, "three is too many");
    },
    async collect(payloads) {
      let [count, size] = [0, 0];
      for await (const { data } of payloads) {
        count++;
        size += data.length;
      }
      return { count, bytes: BigInt(size) };
    },
    async *converse(payloads) {
      for await (const payload of payloads) yield payload;
    },
  });
  await server.listen("127.0.0.1:0");
  return server as Running;
}

function failure(): RpcError {
  return new RpcError(Code.FAILED_PRECONDITION, "not today", {
    details: [
      detail(ErrorInfo, { reason: "CLOSED", domain: "example.com", metadata: { day: "Sunday" } }),
      detail(RetryInfo, { retryDelay: { seconds: 1n, nanos: 500_000_000 } }),
      detail(Payload, { text: "of the contract" }),
      { type: "unknown.Type", value: Uint8Array.of(1, 2, 3) },
    ],
    metadata: undefined,
  } as never);
}

let server: Running;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close({ timeoutMs: 0 }));

const call = (method: string, ...args: readonly string[]) =>
  trunkline(["call", method, "--address", server.address, ...args]);

describe.each([
  ["reflection", []],
  ["--proto", ["--proto", "proto/probe/v1/probe.proto"]],
])("by %s", (_, contract) => {
  test("calls a unary method", async () => {
    const { code, stdout, stderr } = await call(
      "probe.v1.Probe/Echo",
      ...contract,
      "-d",
      '{"text": "hi", "data": "AQI="}',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(json(stdout)).toEqual({ text: "hi", data: "AQI=" });
  });

  test("prints a stream of replies line by line", async () => {
    const { code, stdout } = await call("probe.v1.Probe/Expand", ...contract, "-d", '{"count": 2}');
    expect(code).toBe(0);
    expect(lines(stdout).map(json)).toEqual([{ text: "0" }, { text: "1" }]);
  });

  test("sends a stream of requests", async () => {
    const { code, stdout } = await call("probe.v1.Probe/Collect", ...contract, "-d", "{}", "-d", '{"data": "AQID"}');
    expect(code).toBe(0);
    expect(json(stdout)).toEqual({ count: 2, bytes: "3" });
  });

  test("shows the replies of a conversation as they come", async () => {
    const program = start(["call", "probe.v1.Probe/Converse", "-a", server.address, ...contract, "-d", "@-"]);
    for (const text of ["one", "two"]) {
      program.child.stdin?.write(`{"text": "${text}"}\n`);
      await program.printed(new RegExp(`{"text":"${text}"}\n$`));
    }
    program.child.stdin?.end();
    expect(await program.ended).toMatchObject({ code: 0, stdout: '{"text":"one"}\n{"text":"two"}\n', stderr: "" });
  });
});

test("requests come from files: one for a unary method, one a line for a stream", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-requests-"));
  const one = join(folder, "one.json");
  const many = join(folder, "many.ndjson");
  await writeFile(one, '{\n  "text": "from a file"\n}\n');
  await writeFile(many, '{"text": "1"}\r\n\n{"text": "2"}');
  expect(json((await call("probe.v1.Probe/Echo", "-d", `@${one}`)).stdout)).toEqual({ text: "from a file" });
  expect(lines((await call("probe.v1.Probe/Converse", "-d", `@${many}`, "-d", '{"text": "3"}')).stdout)).toEqual([
    '{"text":"1"}',
    '{"text":"2"}',
    '{"text":"3"}',
  ]);
});

test("the method's name may be written as in TypeScript, and with a dot", async () => {
  for (const method of ["greeter.v1.Greeter/sayHello", "greeter.v1.Greeter.SayHello", "/greeter.v1.Greeter/SayHello"]) {
    expect(json((await call(method, "-d", '{"name": "you"}')).stdout)).toEqual({ message: "Hello you" });
  }
});

test("metadata goes out, bytes in base64", async () => {
  const headers = ["-H", "x-text: a: b ", "-H", `X-Bytes-Bin: ${Buffer.from("bytes").toString("base64")}`];
  const { stdout } = await call("greeter.v1.Greeter/SayHelloAgain", ...headers);
  expect(json(stdout)).toEqual({ message: "a: b bytes" });
});

test("--verbose shows the metadata that came back", async () => {
  const { stdout, stderr } = await call("probe.v1.Probe/Echo", "-v");
  expect(json(stdout)).toEqual({});
  expect(lines(stderr)).toEqual(["header: x-header: first", `trailer: x-trailer-bin: ${btoa("last")}`]);
});

test("--verbose shows the metadata of a failure, too", async () => {
  const { stderr } = await call("probe.v1.Probe/Echo", "-v", "-d", '{"text": "fail"}');
  expect(lines(stderr).slice(0, 3)).toEqual([
    "header: x-header: first",
    `trailer: x-trailer-bin: ${btoa("last")}`,
    "FAILED_PRECONDITION: not today",
  ]);
  const stream = await call("probe.v1.Probe/Expand", "-v", "-d", '{"count": 3}');
  expect(lines(stream.stderr)).toEqual(["header: x-header: first", "DATA_LOSS: three is too many"]);
});

test("a failure shows its code, its message and its details, and the exit code is 1", async () => {
  const { code, stdout, stderr } = await call("probe.v1.Probe/Echo", "-d", '{"text": "fail"}');
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(lines(stderr)).toEqual([
    "FAILED_PRECONDITION: not today",
    '  google.rpc.ErrorInfo {"reason":"CLOSED","domain":"example.com","metadata":{"day":"Sunday"}}',
    '  google.rpc.RetryInfo {"retryDelay":"1.500s"}',
    '  probe.v1.Payload {"text":"of the contract"}',
    "  unknown.Type (base64) AQID",
  ]);
});

test("a stream that fails has printed what came before", async () => {
  const { code, stdout, stderr } = await call("probe.v1.Probe/Expand", "-d", '{"count": 3}');
  expect(code).toBe(1);
  expect(lines(stdout)).toEqual(['{"text":"0"}', '{"text":"1"}', '{"text":"2"}']);
  expect(stderr).toBe("DATA_LOSS: three is too many\n");
});

test("--timeout ends a call that takes too long", async () => {
  const { code, stderr } = await call("probe.v1.Probe/Echo", "-d", '{"text": "wait"}', "--timeout", "300");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^DEADLINE_EXCEEDED: /);
});

test("a method without streams has 30 s by default, one with streams no limit, and --timeout stands over both", async () => {
  const lefts: number[] = [];
  const timed = createServer();
  const left = ({ deadline }: HandlerContext) => lefts.push(Math.ceil((deadline - performance.now()) / 1_000));
  timed.add(Greeter, {
    ...greetings,
    sayHello(_, context) {
      left(context);
      return { message: "" };
    },
    async *chat(_, context) {
      left(context);
      yield { message: "" };
    },
  });
  const address = await timed.listen("127.0.0.1:0");
  for (const limit of [[], ["--timeout", "90000"], ["--timeout", "0"]]) {
    for (const method of ["SayHello", "Chat"]) {
      const { code } = await trunkline(["call", `greeter.v1.Greeter/${method}`, "-a", address, ...limit]);
      expect(code).toBe(0);
    }
  }
  expect(lefts).toEqual([30, Number.POSITIVE_INFINITY, 90, 90, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  await timed.close();
});

test("replies without end are ended by --timeout, and by Ctrl-C", async () => {
  const endless = createServer();
  endless.add(Greeter, {
    ...greetings,
    async *chat() {
      for (;;) yield { message: "x".repeat(1_000) };
    },
  });
  const address = await endless.listen("127.0.0.1:0");
  const timed = await trunkline(["call", "greeter.v1.Greeter/Chat", "-a", address, "--timeout", "500"]);
  expect(timed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^DEADLINE_EXCEEDED: /) });
  expect(timed.stdout).not.toBe("");
  const program = start(["call", "greeter.v1.Greeter/Chat", "-a", address]);
  await program.printed(/x/);
  program.child.kill("SIGINT");
  expect(await program.ended).toMatchObject({ code: 130, stderr: "" });
  await endless.close({ timeoutMs: 0 });
});

test("Ctrl-C ends the wait for a request from stdin", async () => {
  const interruption = new AbortController();
  const stdin = new Readable({ read: () => interruption.abort() });
  const options = { stdin, signal: interruption.signal };
  for (const method of ["Echo", "Collect"]) {
    const outcome = await trunkline(["call", `probe.v1.Probe/${method}`, "-a", server.address, "-d", "@-"], options);
    expect(outcome).toEqual({ code: 130, stdout: "", stderr: "" });
  }
});

/** A plate under a sink under a plate. */
function nestedPlates(levels: number): Uint8Array {
  const heads: Buffer[] = [];
  let size = 0;
  for (let i = 0; i < levels; i++) {
    const head = [i % 2 === 0 ? 0x12 : 0x42];
    let rest = size;
    for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
    head.push(rest);
    heads.push(Buffer.from(head));
    size += head.length;
  }
  return Buffer.concat(heads.reverse());
}

/** An Any, as field 19 of a sink, of a type that nobody knows. */
const unknownAny = Buffer.concat([Buffer.from([0x9a, 1, 7, 0x0a, 5]), Buffer.from("x/y.Z")]);

test.each([
  ["is nested without end", nestedPlates(50_000), ""],
  ["has no form in JSON", unknownAny, "INTERNAL: the reply has no form in JSON: .*y\\.Z"],
])("a reply that %s is an error that ends the command", async (_, bytes, message) => {
  const [Sink, deep] = [opaque("kitchen.v1.Sink"), createServer({ reflection: false })];
  deep.add(defineService("kitchen.v1.Kitchen", { echo: unary("Echo", Sink, Sink) }), { echo: () => ({ bytes }) });
  const address = await deep.listen("127.0.0.1:0");
  const proto = ["--proto", "test/cli/protos/kitchen/v1/kitchen.proto"];
  const { code, stdout, stderr } = await trunkline(["call", "kitchen.v1.Kitchen/Echo", "-a", address, ...proto]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(lines(stderr)).toEqual([expect.stringMatching(message)]);
  await deep.close();
});

test("Ctrl-C cancels the call", async () => {
  const program = start(["call", "probe.v1.Probe/Converse", "-a", server.address, "-d", "@-"]);
  program.child.stdin?.write('{"text": "one"}\n');
  await program.printed(/one/);
  program.child.kill("SIGINT");
  expect(await program.ended).toMatchObject({ code: 130, stderr: "" });
});

test.each([
  ["greeter.v1.Greter/SayHello", "greeter.v1.Greter"],
  ["greeter.v1.Greeter/SayHelo", 'did you mean "SayHello"; it has: SayHello, SayHelloAgain, Chat'],
])("%s does not exist, and the message helps", async (method, message) => {
  const { code, stderr } = await call(method, "-d", "{}");
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
});

test.each([
  [["-d", "{"], "-d: cannot decode message probe.v1.Payload from JSON"],
  [["-d", '{"txt": "x"}'], 'key "txt" is unknown'],
  [["-d", '{"text": 5}'], "probe.v1.Payload.text from JSON: expected string, got 5"],
  [["-d", "{}", "-d", "{}"], "Echo takes one request, but -d was given 2 times"],
  [["-d", "@/no/such/file"], "cannot read -d @/no/such/file: ENOENT"],
])("data that does not fit is named: %j", async (args, message) => {
  const { code, stderr } = await call("probe.v1.Probe/Echo", ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test("data that does not fit in the middle of a stream is named by its line", async () => {
  const input = '{"text": "1"}\n{"text": 2}\n';
  const args = ["call", "probe.v1.Probe/Converse", "-a", server.address, "-d", "@-"];
  const { code, stderr } = await trunkline(args, { input });
  expect(code).toBe(2);
  expect(stderr).toContain("-d @-, line 2: text: cannot decode field probe.v1.Payload.text from JSON");
});

test("nobody at the address is UNAVAILABLE", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const { code, stderr } = await trunkline(["call", "a.B/C", "--address", address]);
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^UNAVAILABLE: no server at ${address} is ready .*connection refused`));
});

test("the address may be written as gRPC does", async () => {
  const { code } = await trunkline(["call", "probe.v1.Probe/Echo", "-a", `dns:///${server.address}`, "-d", "{}"]);
  expect(code).toBe(0);
});

test("a service that is called without a method is answered with its methods", async () => {
  const said = "greeter.v1.Greeter is a service: write greeter.v1.Greeter/<method>; it has: SayHello,";
  for (const contract of [[], ["--proto", "greeter/v1/greeter.proto", "-I", "proto"]]) {
    const { code, stderr } = await trunkline(["call", "greeter.v1.Greeter", "-a", server.address, ...contract]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(said) });
  }
  const { code, stderr } = await trunkline(["call", "greeter.v1.Gretter", "-a", server.address]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("greeter.v1") });
});

test("what is no certificate, and a key of another, are blamed on their flags", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-certs-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await writeFile(cert, String(clientCertificate.cert));
  await writeFile(key, String(serverTls.key));
  const called = (...args: readonly string[]) => trunkline(["call", "a.B/C", "-a", server.address, ...args]);
  expect(await called("--ca", "package.json")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^--ca holds no certificate/),
  });
  expect(await called("--cert", cert, "--key", key)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^--key does not belong to --cert/),
  });
});

test("a server without reflection asks for --proto", async () => {
  const silent = createServer({ reflection: false }).add(Greeter, greetings);
  const address = await silent.listen("127.0.0.1:0");
  const { code, stderr } = await trunkline(["call", "greeter.v1.Greeter/SayHello", "-a", address]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^UNIMPLEMENTED: .*give the contract with --proto FILE/);
  await silent.close();
});

test("TLS and mutual TLS", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-certs-"));
  const file = async (name: string, pem: unknown) => {
    await writeFile(join(folder, name), String(pem));
    return join(folder, name);
  };
  const ca = ["--ca", await file("ca.pem", authority)];
  const certificate = [
    ...["--cert", await file("cert.pem", clientCertificate.cert)],
    ...["--key", await file("key.pem", clientCertificate.key)],
  ];
  const [plain, mutual] = [await startServer({ tls: serverTls }), await startServer({ tls: mutualTls })];
  const hello = (address: string, ...args: readonly string[]) =>
    trunkline(["call", "greeter.v1.Greeter/SayHello", "-a", address, ...args]);
  expect(await hello(plain.address, ...ca)).toMatchObject({ code: 0 });
  expect(await hello(plain.address, ...ca, "--server-name", "localhost")).toMatchObject({ code: 0 });
  expect(await hello(mutual.address, ...ca, ...certificate)).toMatchObject({ code: 0 });
  expect(await hello(plain.address, "--tls")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^UNAVAILABLE.*trusted/),
  });
  expect(await hello(plain.address, ...ca, "--server-name", "else.where")).toMatchObject({ code: 1 });
  expect(await hello(mutual.address, ...ca)).toMatchObject({ code: 1 });
  await Promise.all([plain.close(), mutual.close()]);
});

import { inspect } from "node:util";
import pino from "pino";
import {
  createChannel,
  createClient,
  createServer,
  fromJson,
  type Interceptor,
  type Logger,
  rateLimit,
  registryFromUri,
  toJson,
} from "trunkline";
import { auth, bearer, jwt } from "trunkline/auth";
import { defineService, unary } from "trunkline/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HelloReply, HelloRequest } from "../../gen/greeter/v1/greeter.ts";
import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import { serveAdmin } from "../../src/admin/serve-admin.ts";
import { createDevEtcd } from "../../src/devetcd/index.ts";
import { metrics } from "../../src/observe/metrics.ts";
import { tracing } from "../../src/observe/tracing.ts";
import { audience, createIssuer, issuer } from "../auth/issuer.ts";
import { ordersPair } from "../auth/orders.ts";
import { trunkline } from "../cli/trunkline.ts";
import { Everything } from "../codegen/golden/shapes/v1/shapes.ts";
import * as certs from "../support/certs.ts";
import { freePort } from "../support/free-port.ts";
import { wires } from "../support/wires.ts";
import { type Recording, record } from "./recorder.ts";

/** Stands in every token, password, key and message body of these tests, and may stand in nothing that is said of them. */
const planted = "pl4ntedS3cret";

/** Everything that was said: lines of logs, spans, measurements, errors in every form, what the admin service shows. */
let said: string[];
let recording: Recording;
let logger: Logger;

beforeEach(() => {
  said = [];
  recording = record();
  logger = pino({ level: "trace" }, { write: (line: string) => void said.push(line) });
});

afterEach(() => {
  recording.stop();
  expectNothingSaid();
});

function expectNothingSaid(): void {
  said.push(JSON.stringify([recording.spans, recording.measurements]));
  const text = said.join("\n");
  const at = text.indexOf(planted);
  if (at >= 0) expect.fail(`it was said: ${text.slice(Math.max(0, at - 300), at + 100)}`);
}

/** Does what must fail, and keeps every form in which the error may be printed. */
async function failing(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    said.push(inspect(error, { depth: 10 }), JSON.stringify(error), String(error));
    logger.error({ err: error }, "failed");
    return;
  }
  expect.fail("it did not fail");
}

const around = (): Interceptor[] => [tracing(), metrics()];

const shapes = { everything: unary("Everything", Everything, Everything) };
const Shapes = defineService("secrets.v1.Shapes", shapes);
/** The same methods, with other messages: what is sent cannot be read. */
const Others = defineService("secrets.v1.Shapes", { everything: unary("Everything", HelloRequest, HelloReply) });

/** Of what a handler gives, or is given, nothing fits. */
const misfits: readonly (readonly [what: string, message: unknown])[] = [
  ["text where a message belongs", planted],
  ["text for a number", { anInt32: planted }],
  ["text for a 64-bit number", { anInt64: planted }],
  ["text for a flag", { aBool: planted }],
  ["text for bytes", { someBytes: planted }],
  ["text for an enum", { kind: planted }],
  ["text for a message", { part: planted }],
  ["text for a list", { manyTags: planted }],
  ["text in a list of numbers", { manyInt64: [planted] }],
  ["text for a time", { time: planted }],
  ["an object for text", { aString: { planted } }],
  ["a list for text", { aString: [planted] }],
  ["a case that a oneof has not", { choice: { $case: "none", value: planted } }],
];

for (const [name, wire] of wires.filter(([each]) => each !== "memory")) {
  describe(`over ${name}`, () => {
    async function shapesPair(handler: (request: Everything) => unknown, interceptors: readonly Interceptor[] = []) {
      const server = createServer({ transport: wire(), logger, interceptors: [...around(), ...interceptors] });
      server.add(Shapes, { everything: handler as never });
      const channel = createChannel({
        transport: wire(),
        logger,
        interceptors: around(),
        endpoints: [await server.listen("127.0.0.1:0")],
      });
      said.push(inspect(server, { depth: 10 }), inspect(channel, { depth: 10 }));
      const admin = createServer();
      serveAdmin(admin, { servers: [server], channels: { shapes: channel } });
      const asking = createChannel({ endpoints: [await admin.listen("127.0.0.1:0")] });
      return {
        client: createClient(Shapes, channel),
        others: createClient(Others, channel),
        async [Symbol.asyncDispose]() {
          const { calls } = await createClient(Admin, asking).listCalls({});
          expect(calls.length).toBeGreaterThan(0);
          said.push(JSON.stringify(calls));
          for await (const picture of createClient(Admin, asking).watch({})) {
            said.push(JSON.stringify(picture));
            break;
          }
          await asking.close(0);
          await channel.close(0);
          for (const each of [server, admin]) await each.close({ timeoutMs: 0 });
        },
      };
    }

    test.each(misfits)("a message: %s", async (_, message) => {
      await using pair = await shapesPair(() => message);
      await failing(() => pair.client.everything({}));
      await pair.client.everything(message as never).catch((error) => failing(() => Promise.reject(error)));
    });

    test("a message that cannot be read, a handler that throws JSON away, an interceptor without a reply", async () => {
      await using pair = await shapesPair(
        (request) => fromJson(Everything, { anInt32: request.aString }) as Everything,
      );
      await failing(() => pair.client.everything({ aString: planted }));
      await failing(() => pair.others.everything({ name: planted }));
      await using odd = await shapesPair(() => ({}), [() => async () => planted as never]);
      await failing(() => odd.client.everything({}));
    });

    test("tokens that are good, bad and broken, and their keys", async () => {
      const one = await createIssuer();
      const transport = wire();
      const interceptors = [
        ...around(),
        auth(jwt({ jwks: { keys: [one.jwk] }, issuer, audience })),
        rateLimit({ perCaller: { perSecond: 1, burst: 1 }, callerOf: (call) => call.metadata.get("authorization") }),
      ];
      const text = (claims: string) => Buffer.from(claims).toString("base64url");
      const good = await one.sign({ claims: { planted, scope: planted } });
      const [head = "", claims = "", signature = ""] = good.split(".");
      const tokens = [
        good,
        `${head}.${claims}.${signature.slice(2)}`,
        `${text(`{"alg":"ES256","kid":${planted}}`)}.${text("{}")}.AA`,
        `${text('{"alg":"ES256","kid":"one"}')}.${text(planted)}.AA`,
        planted,
        `${planted}.${planted}.${planted}`,
      ];
      for (const token of tokens) {
        await using pair = await ordersPair(
          { transport, interceptors, logger },
          { transport, logger, interceptors: [...around(), bearer(token)] },
        );
        await pair.orders.track({ name: planted }).catch((error) => failing(() => Promise.reject(error)));
        await failing(() => pair.orders.place({ name: planted }));
        await failing(() => pair.orders.follow([{ name: planted }]).next());
        for (const secret of [token, claims]) for (const each of said) expect(each.includes(secret)).toBe(false);
      }
    });
  });
}

test("a source of tokens that gives none, and metadata that cannot be sent", async () => {
  const channel = createChannel({ endpoints: [`127.0.0.1:${await freePort()}`], logger, interceptors: around() });
  const shapesClient = createClient(Shapes, channel);
  for (const metadata of [
    { authorization: `${planted}\n` },
    { "x-key-bin": planted },
    { "x-key": [planted, `${planted}é`] },
  ]) {
    await failing(() => shapesClient.everything({ aString: planted }, { metadata: metadata as never }));
  }
  await failing(() => shapesClient.everything({ aString: planted }, { metadata: { authorization: planted } }));
  await channel.close();
  for (const source of [
    () => `${planted} ${planted}`,
    () => ({ token: planted, expiresAtMs: planted }),
    () => [planted],
  ]) {
    const endpoints = [`127.0.0.1:${await freePort()}`];
    const sending = createChannel({ endpoints, logger, interceptors: [...around(), bearer(source as never)] });
    await failing(() => createClient(Shapes, sending).everything({}));
    await sending.close();
  }
});

test("keys, their passphrases, and where keys are", async () => {
  const { cert } = certs.serverTls;
  const broken = `-----BEGIN PRIVATE KEY-----\n${planted}\n-----END PRIVATE KEY-----`;
  await failing(() => createServer({ tls: { cert, key: broken } }));
  await failing(() => createServer({ tls: { cert, key: planted } }));
  await failing(() =>
    createServer({ tls: { cert, key: broken.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"), passphrase: planted } }),
  );
  await failing(() => createChannel({ endpoints: ["a:1"], tls: { ca: planted } }));
  const tokens = { issuer, audience };
  for (const key of [planted, Buffer.from(planted), broken, { kty: "oct", k: planted }]) {
    await failing(() => jwt({ ...tokens, key }));
  }
  for (const jwks of [`https://ada:${planted}@id.example/keys`, `ftp://id.example/${planted}`]) {
    await failing(() => jwt({ ...tokens, jwks }));
  }
});

test.each(["native", "etcd3"])("the password of a registry, by the client %s", async (client) => {
  const etcd = createDevEtcd({ logger });
  const address = await etcd.listen("127.0.0.1:0");
  for (const host of [address, `127.0.0.1:${await freePort()}`]) {
    const registry = await registryFromUri(`etcd://root:${planted}@${host}/?client=${client}`, { logger });
    said.push(inspect(registry, { depth: 10 }));
    const channel = createChannel({ registry, logger, interceptors: around() });
    await failing(() => createClient(Shapes, channel).everything({}, { timeoutMs: 500 }));
    await failing(async () =>
      Promise.reject(
        await registry.services().then(
          () => new Error("it answered"),
          (error) => error,
        ),
      ),
    );
    await channel.close();
    await registry.close();
  }
  await etcd.close();
  const mistyped = [
    `ectd://root:${planted}@h:1`,
    `root:${planted}@h:1`,
    `etcd://root:${planted}`,
    `etcd://h:1/?pasword=${planted}`,
  ];
  for (const uri of mistyped) await failing(() => registryFromUri(uri));
});

test("JSON", async () => {
  for (const json of [
    planted,
    { anInt32: planted },
    { anInt64: planted },
    { aBool: planted },
    { kind: planted },
    { time: planted },
  ]) {
    await failing(() => fromJson(Everything, json));
  }
  for (const [, message] of misfits.filter(([what]) => /number|flag|bytes/.test(what))) {
    try {
      toJson(Everything, message as never);
    } catch (error) {
      await failing(() => Promise.reject(error));
    }
  }
});

test("the command line", async () => {
  const port = await freePort();
  const call = ["call", "greeter.v1.Greeter/SayHello"];
  const lines = [
    [...call, "-a", `127.0.0.1:${port}`, "-H", `authorization: Bearer ${planted}`],
    [...call, "-a", `127.0.0.1:${port}`, "-H", `Bearer ${planted}`],
    [...call, "-a", `127.0.0.1:${port}`, "-H", planted],
    [...call, "-a", `127.0.0.1:${port}`, "-H", `x-api-key=${planted}`],
    [...call, "-a", `127.0.0.1:${port}`, "-H", `x-key-bin: ${planted}!`],
    [...call, "-a", `127.0.0.1:${port}`, `--token=${planted}`],
    [...call, "-a", `root:${planted}@h`],
    [...call, "-r", `etcd://root:${planted}@127.0.0.1:${port}`, "--timeout", "300"],
    [...call, "-r", `ectd://root:${planted}@127.0.0.1:${port}`],
    ["ls", "-r", `etcd://root:${planted}@127.0.0.1:${port}`, "--timeout", "300"],
    ["ls", `etcd://root:${planted}@127.0.0.1:${port}`],
    ["dev", "--listen", `root:${planted}@h`],
    ["dev", `etcd://root:${planted}@h`],
    ["completion", `etcd://root:${planted}@h`],
  ];
  for (const args of lines) {
    const { code, stdout, stderr } = await trunkline(args);
    expect(code, args.join(" ")).not.toBe(0);
    said.push(stdout, stderr);
    if (`${stdout}${stderr}`.includes(planted)) expect.fail(`${args.join(" ")}: ${stderr}`);
  }
});

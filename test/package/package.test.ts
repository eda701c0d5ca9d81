import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../support/program.ts";
import { createUserProject, type UserProject } from "./user-project.ts";

// A user's project with a contract of its own, and with what the README says to install.
let project: UserProject;

beforeAll(async () => {
  project = await createUserProject();
  const { write, succeed } = project;
  const { devDependencies } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  write("package.json", JSON.stringify({ name: "shop", private: true, type: "module" }));
  write("buf.yaml", "version: v2\nmodules:\n  - path: proto\n");
  write("buf.gen.yaml", /```yaml file=buf.gen.yaml\n(.*?)```/s.exec(readme)?.[1] as string);
  write(
    "proto/shop/v1/shop.proto",
    `syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
service Shop {
  // Finds an article.
  rpc Find(FindRequest) returns (Article);
}
message FindRequest { string id = 1; }
message Article { string id = 1; int64 cents = 2; google.protobuf.Timestamp since = 3; }
`,
  );
  write(
    "tsconfig.json",
    JSON.stringify({
      compilerOptions: {
        target: "es2024",
        lib: ["es2024", "esnext.disposable"],
        module: "nodenext",
        types: ["node"],
        strict: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        exactOptionalPropertyTypes: true,
        allowImportingTsExtensions: true,
        noEmit: true,
      },
      include: ["*.ts", "gen"],
    }),
  );
  write(
    "main.ts",
    `import { createChannel, createClient, createServer } from "trunkline";
import { Shop } from "./gen/shop/v1/shop.rpc.ts";

await using server = createServer();
server.add(Shop, { find: ({ id }) => ({ id, cents: 250, since: { seconds: 5 } }) });
await using channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")] });
const { id, cents, since } = await createClient(Shop, channel).find({ id: "tea" });
console.log(id, cents, since?.seconds);
`,
  );
  write(
    "plain.js",
    `import { createChannel, createClient, createServer } from "trunkline";
import { createDevEtcd } from "trunkline/devetcd";
import { etcd } from "trunkline/etcd";
import { Shop } from "./gen/shop/v1/shop.rpc.ts";

const dev = createDevEtcd();
await dev.listen("127.0.0.1:0");
const registry = etcd(dev.uri);
const server = createServer({ registry });
server.add(Shop, { find: ({ id }) => ({ id, cents: 250n }) });
await server.listen("127.0.0.1:0");
const channel = createChannel({ registry });
console.log((await createClient(Shop, channel).find({ id: "tea" })).cents);
await channel.close();
await server.close();
await registry.close();
await dev.close();
`,
  );
  const versions = ["@bufbuild/buf", "ts-proto", "typescript", "@types/node"].map(
    (name) => `${name}@${devDependencies[name]}`,
  );
  await succeed("npm", "install", "--no-audit", "--no-fund", "--prefer-offline", project.tarball, ...versions);
  await succeed("npx", "buf", "generate");
}, 240_000);

afterAll(() => project.remove());

test("a user's own .proto becomes a client and a server that type-check strictly and talk", async () => {
  await project.succeed("npx", "tsc", "-p", ".");
  expect((await project.succeed(process.execPath, "main.ts")).stdout).toBe("tea 250n 5n\n");
});

test("what a user's own library exports of it can be declared", async () => {
  project.write(
    "library.ts",
    `import { concurrencyLimit, createChannel, createClient, createServer, http2, rateLimit } from "trunkline";
import type { Call, HandlerContext, Interceptor, Peer, RpcError } from "trunkline";
import { atOnce, handlerContext, inMemory } from "trunkline/testing";
import { Shop } from "./gen/shop/v1/shop.rpc.ts";

export const limit = concurrencyLimit();
export const stats = limit.stats();
export const rate = rateLimit({});
export const drain = atOnce;
export const context = handlerContext();
export const memory = inMemory(() => {});
export const channel = createChannel({ endpoints: ["a:1"], transport: http2() });
export const policy = channel.policyOf(Shop.methods.find);
export const shop = createClient(Shop, channel);
export const server = createServer();
export const health = server.health;
export const add = server.add;
export const parts = (peer: Peer, call: Call, error: RpcError, handler: HandlerContext, layer: Interceptor) =>
  ({ state: peer.state, caller: call.caller, method: call.method, key: error.details, peer: handler.peer, layer });
`,
  );
  await project.succeed(
    "npx",
    "tsc",
    "-p",
    ".",
    "--noEmit",
    "false",
    "--declaration",
    "--emitDeclarationOnly",
    "--outDir",
    "declared",
  );
});

test("plain JavaScript finds its server through the embedded registry", async () => {
  expect((await project.succeed(process.execPath, "plain.js")).stdout).toBe("250n\n");
});

test("etcd3 and grpc-js are loaded by those alone who use them", async () => {
  const trace = `import { registerHooks } from "node:module";
const heavy = new Set();
registerHooks({ load(url, context, next) {
  for (const name of ["etcd3", "@grpc/grpc-js", "@grpc/proto-loader", "ts-proto"]) if (url.includes("/node_modules/" + name + "/")) heavy.add(name);
  return next(url, context);
} });
await import("trunkline");
console.log([...heavy].join());
`;
  project.write("loaded.js", trace);
  expect((await project.succeed(process.execPath, "loaded.js")).stdout).toBe("\n");
});

test("the command tells its version and what it can do", async () => {
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  expect((await project.succeed("npx", "trunkline", "--version")).stdout.trim()).toContain(version);
  expect((await project.succeed("npx", "trunkline", "--help")).stdout).toMatch(/call +Call a method/);
});

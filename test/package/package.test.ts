import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository, run } from "../support/program.ts";
import { installTypeScripts, type TypeScripts } from "../support/typescripts.ts";
import { createShop } from "./shop.ts";
import type { UserProject } from "./user-project.ts";

let project: UserProject;
let typeScripts: TypeScripts;
beforeAll(async () => {
  project = await createShop();
  typeScripts = await installTypeScripts();
}, 240_000);
afterAll(() => {
  typeScripts?.remove();
  project?.remove();
});

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

const { exports, devDependencies } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
const rooms = Object.keys(exports).filter((room) => !room.endsWith(".json"));

const shipped = `import { createChannel, createClient, createServer, type Implementation } from "trunkline";
import type { MessageInit } from "trunkline/contract";
${rooms.map((room, index) => `import * as room${index} from "${room.replace(/^\./, "trunkline")}";`).join("\n")}
import { Shop } from "./gen/shop/v1/shop.rpc.ts";
import type { Tree } from "./gen/shop/v1/shop.ts";

export const rooms = [${rooms.map((_, index) => `room${index}`)}];
export const deep: MessageInit<Tree> = { next: { twin: { byName: { a: { kind: { $case: "inner", value: { label: "b" } } } } } } };
export const ids: MessageInit<Tree> = { byId: new Map([[1n, { tree: { branches: [deep] } }]]) };
export const shop: Implementation<typeof Shop> = { find: ({ id }) => ({ id }), prune: (tree) => tree.next ?? deep };
createServer().add(Shop, { find: async () => ({}), prune: async () => ({ branches: [deep, ids] }) });
createServer().add(Shop, {
  find: () => ({}),
  // @ts-expect-error a misspelt field, three messages deep
  prune: () => ({ next: { twin: { lable: "b" } } }),
});
const client = createClient(Shop, createChannel({ endpoints: ["127.0.0.1:1"] }));
export const label: Promise<string | undefined> = client.prune(deep).then(({ next }) => next?.twin?.label);
// @ts-expect-error keys of another type
void client.prune({ byId: new Map([["1", {}]]) });
`;

// The README's own is nodenext, without skipLibCheck.
const modules = [
  { module: "node16", moduleResolution: "node16" },
  { module: "esnext", moduleResolution: "bundler" },
];

test.each(["5.9", "newest"])(
  "the types that are shipped hold with no library skipped, by TypeScript %s, however modules are found",
  async (version) => {
    await project.succeed("npm", "install", `jose@${devDependencies.jose}`);
    project.write("strictly/shipped.ts", shipped.replaceAll("./gen/", "../gen/"));
    for (const found of modules) {
      const compilerOptions = {
        ...found,
        skipLibCheck: false,
        noUncheckedIndexedAccess: true,
        noPropertyAccessFromIndexSignature: true,
        noImplicitOverride: true,
        isolatedModules: true,
      };
      project.write(
        "strictly/tsconfig.json",
        JSON.stringify({ extends: "../tsconfig.json", compilerOptions, include: ["."] }),
      );
      await project.succeed(process.execPath, typeScripts.compilers.get(version) as string, "-p", "strictly");
    }
  },
  180_000,
);

test("npm has nothing to correct in package.json before it publishes", async () => {
  const given = readFileSync(join(repository, "package.json"), "utf8");
  project.write("published/package.json", given);
  const published = join(project.folder, "published");
  expect(await run("npm", ["pkg", "fix"], { cwd: published })).toMatchObject({ code: 0 });
  expect(readFileSync(join(published, "package.json"), "utf8")).toBe(given);
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

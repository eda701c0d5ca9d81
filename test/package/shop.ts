import { readFileSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, readPage } from "../support/page.ts";
import { repository } from "../support/program.ts";
import { createUserProject, type UserProject } from "./user-project.ts";

/** A user's project with a contract of its own, and with what the README says to install, in the versions of here. */
export async function createShop(): Promise<UserProject> {
  const project = await createUserProject();
  const { write, succeed } = project;
  const { devDependencies } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  write("package.json", JSON.stringify({ name: "shop", private: true, type: "module" }));
  write("buf.yaml", "version: v2\nmodules:\n  - path: proto\n");
  await project.follow(blocksOf(readPage("README.md")).filter(({ file }) => file === "buf.gen.yaml"));
  write(
    "proto/shop/v1/shop.proto",
    `syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
service Shop {
  // Finds an article.
  rpc Find(FindRequest) returns (Article);
  // Hands a tree back.
  rpc Prune(Tree) returns (Tree);
}
message FindRequest { string id = 1; }
message Article { string id = 1; int64 cents = 2; google.protobuf.Timestamp since = 3; }
// Holds itself in every way there is.
message Tree {
  string label = 1;
  Tree next = 2;
  optional Tree twin = 3;
  repeated Tree branches = 4;
  map<string, Tree> by_name = 5;
  map<int64, Branch> by_id = 6;
  oneof kind {
    string leaf = 7;
    Tree inner = 8;
    Branch list = 9;
  }
  message Branch { Tree tree = 1; repeated Branch branches = 2; }
}
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
server.add(Shop, { find: ({ id }) => ({ id, cents: 250, since: { seconds: 5 } }), prune: (tree) => tree });
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
server.add(Shop, { find: ({ id }) => ({ id, cents: 250n }), prune: (tree) => tree });
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
  return project;
}

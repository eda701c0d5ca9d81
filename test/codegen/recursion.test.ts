import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installTypeScripts, type TypeScripts } from "../support/typescripts.ts";
import { type Answer, answer, root } from "./buf.ts";
import { compiled, roundTrip } from "./checks.ts";
import { written } from "./written.ts";

const protos = {
  "recursion/a.proto": `syntax = "proto3"; package recursion;
import "recursion/b.proto";
  service S {
    rpc Next(Node) returns (Node); rpc Named(ByName) returns (ByName); rpc Each(Ping) returns (stream Pong);
    rpc Tell(stream Expr) returns (Expr); rpc Grow(Far) returns (b.Tree);
  }
  message Node { Node next = 1; string name = 2; }
  message ByName { map<string, ByName> by_name = 1; map<uint64, ByName> by_id = 2; }
  message Ping { Pong pong = 1; repeated Ping pings = 2; } message Pong { Ping ping = 1; repeated Pong pongs = 2; }
  message Expr { oneof kind { Expr not = 1; List and = 2; string is = 3; } message List { repeated Expr all = 1; } }
  message Far { b.Tree tree = 1; repeated Far fars = 2; }`,
  "recursion/b.proto": `syntax = "proto3"; package recursion.b;
message Tree { repeated Tree branches = 1; Leaf leaf = 2; message Leaf { Tree on = 1; } }`,
};

const use = `import { type Client, createChannel, createClient, createServer, type Implementation } from "trunkline";
import { ByName, Expr, Node } from "./a.ts";
import { S } from "./a.rpc.ts";
export const impl: Implementation<typeof S> = {
  next: ({ name }) => ({ name, next: { next: { name } } }),
  named: async (request) => request,
  async *each({ pong }) { yield { ping: { pong, pings: [{}] } }; },
  tell: async (exprs) => { for await (const expr of exprs) return expr; return { kind: { $case: "is", value: "" } }; },
  grow: ({ tree }) => ({ branches: [{ branches: [{ leaf: { on: tree } }] }] }),
};
createServer().add(S, impl).add(S, {
  ...impl,
  next: (request) => request,
  named: () => ({ byName: { a: { byName: {}, byId: new Map([[1n, { byName: {} }]]) } } }),
  tell: () => ({ kind: { $case: "and", value: { all: [{ kind: { $case: "not", value: Expr.fromPartial({}) } }] } } }),
});
// @ts-expect-error a misspelt field, two messages deep
createServer().add(S, { ...impl, next: () => ({ next: { nmae: "" } }) });
// @ts-expect-error keys of another type
export const named: Awaited<ReturnType<typeof impl.named>> = { byId: new Map([["1", {}]]) };
// @ts-expect-error what is no map
export const none: Awaited<ReturnType<typeof impl.named>> = { byId: {} };
export const client: Client<typeof S> = createClient(S, createChannel({ endpoints: ["127.0.0.1:1"] }));
export async function calls(): Promise<[Node, ByName]> {
  for await (const { ping } of client.each({ pong: { ping: { pings: [{ pong: {} }] } } })) ping?.pong?.pongs satisfies object | undefined;
  return [await client.next({ next: { next: {} } }), await client.named({ byId: new Map([[1n, {}]]) })];
}`;

let typeScripts: TypeScripts;
let generated: Answer;
let folder: string;
beforeAll(async () => {
  typeScripts = await installTypeScripts();
  generated = answer(protos, "messages=ts-proto");
  const tsconfig = JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["."] });
  folder = written([...generated.files, ["recursion/use.ts", use], ["tsconfig.json", tsconfig]]);
}, 240_000);
afterAll(() => {
  typeScripts.remove();
  rmSync(folder, { recursive: true });
});

test("messages that hold themselves, in whatever way, are generated without a word", () => {
  expect(generated).toMatchObject({ error: "", warnings: [] });
});

test.each(["5.9", "newest"])(
  "servers and clients of them compile by TypeScript %s, and what does not fit them does not",
  (version) => expect(compiled(folder, typeScripts.compilers.get(version))).toBe(""),
  240_000,
);

test("they arrive", () => {
  expect(roundTrip(folder)).toMatch(/^1 services, \d+ calls\n$/);
}, 120_000);

// Messages that hold themselves, in every way that a `.proto` allows. Checked by `tsc`, never run.
import { createServer, type Implementation } from "trunkline";
import { defineService, type MessageInit, type MessageType, type Service, type Unary, unary } from "trunkline/contract";

interface Node {
  name: string;
  next: Node | undefined;
}
/** Through each other, a list, two maps and a oneof: the shape of Spanner's `Type`, and of `google.protobuf.Value`. */
interface Tree {
  label: string;
  weight: bigint;
  branches: Tree[];
  byName: { [key: string]: Tree };
  byId: Map<bigint, Branch>;
  branch: Branch | undefined;
  kind:
    | { $case: "leaf"; value: string }
    | { $case: "inner"; value: Tree }
    | { $case: "list"; value: Forest }
    | undefined;
}
interface Branch {
  tree: Tree | undefined;
  forest: Forest | undefined;
  twin: Branch | undefined;
}
interface Forest {
  trees: Tree[];
  forests: Forest[];
}

declare const NodeType: MessageType<Node>;
declare const TreeType: MessageType<Tree>;
declare const node: Node;
declare const tree: Tree;
declare const partOfTree: MessageInit<Tree>;

const Trees: Service<{ first: Unary<Node, Node>; grow: Unary<Tree, Tree> }> = defineService("trees.v1.Trees", {
  first: unary("First", NodeType, NodeType),
  grow: unary("Grow", TreeType, TreeType),
});

const server = createServer();
server.add(Trees, { first: (request) => request, grow: (request) => request });
server.add(Trees, { first: () => node, grow: async () => tree });
server.add(Trees, { first: async () => ({ next: node }), grow: () => partOfTree });
server.add(Trees, {
  first: () => ({ name: "a", next: { name: "b", next: { name: "c" } } }),
  grow: () => ({ branches: [{ branch: { forest: { forests: [{ trees: [tree] }] } } }], weight: 5 }),
});
server.add(Trees, {
  // A list of one's own making, that holds itself as well.
  first(): Linked {
    return linked;
  },
  grow: ({ kind }) => ({ kind: kind ?? { $case: "leaf", value: "x" } }),
});

interface Linked {
  name: string;
  next?: Linked;
}
declare const linked: Linked;

server.add(Trees, {
  // @ts-expect-error a misspelt field, three messages deep
  first: () => ({ next: { next: { nmae: "c" } } }),
  grow: () => tree,
});
server.add(Trees, {
  first: () => node,
  // @ts-expect-error a misspelt field in a list in a list
  grow: () => ({ branches: [{ branches: [{ lable: "x" }] }] }),
});
server.add(Trees, {
  first: () => node,
  // @ts-expect-error what is no map
  grow: () => ({ byId: {} }),
});

export const byHand: Implementation<typeof Trees> = { first: () => node, grow: () => tree };
export const withIds: MessageInit<Tree> = { byId: new Map([[1n, { twin: {} }]]) };
// @ts-expect-error keys of another type
export const withNames: MessageInit<Tree> = { byId: new Map([["1", { twin: {} }]]) };
// @ts-expect-error values of another type
export const withTexts: MessageInit<Tree> = { byId: new Map([[1n, "branch"]]) };

/** A contract with names that TypeScript cannot have, or that become the same in it. */
export interface Case {
  /** A folder, a part of each package, and the test's name. */
  readonly name: string;
  /** By their paths within that folder. `PKG` stands for its package, `DIR` for the folder itself. */
  readonly protos: Readonly<Record<string, string>>;
  /** What is warned of: `PKG.Map is Map$`. Everything that has another name in code, in the order of the warnings. */
  readonly renamed: readonly string[];
  /** Code in that folder that has to compile: which names there are. */
  readonly use?: string;
}

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Each kind of field that ts-proto writes other code for, each with a message of that name. */
function messageOf(name: string, i: number): string {
  return `message ${name} {
    .PKG.${name} self = 1; repeated .PKG.${name} many = 2; map<string, .PKG.${name}> by_text = 3;
    map<int64, .PKG.${name}> by_id = 4; oneof choice { .PKG.${name} one = 5; int64 id = 6; bytes raw = 7; }
    int64 big = 8; repeated int64 bigs = 9; bytes data = 10; optional bytes maybe = 11; Kind${i} kind = 12;
    double ratio = 13; repeated double ratios = 14; map<string, string> texts = 15; map<bool, bytes> flags = 16;
    google.protobuf.Struct struct = 17; google.protobuf.ListValue list = 18; google.protobuf.Int64Value wrapped = 19;
  }
  enum Kind${i} { NONE${i} = 0; SOME${i} = 1; }`;
}

const small = (name: string): string =>
  `message ${name} { .PKG.${name} self = 1; oneof choice { .PKG.${name} one = 2; } }`;

function messages(names: readonly string[], make: (name: string, i: number) => string = small): string {
  return `import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";
    service Messages { ${names.map((name, i) => `rpc Get${i}(.PKG.${name}) returns (.PKG.${name});`).join(" ")} }
    ${names.map(make).join("\n")}`;
}

const ofLanguage =
  words(`Object Error Symbol Date Function globalThis String Number Boolean Promise Iterable AsyncIterable
  Math JSON Set Proxy Reflect RegExp Exact Record Omit Awaited NonNullable Buffer T U V K`);
const ofTsProto = words(`Array BigInt Map ReadonlyArray Uint8Array Partial BinaryReader BinaryWriter Builtin DeepPartial
  MessageFns protobufPackage protobufFileName`);
const locals = words("message reader writer input length end end2 tag object base key value acc entry1 entry20 m e v");
const ofTypeScript = words(`any as bigint boolean class const default delete enum extends false function import infer in
  interface keyof let never new null number object package private readonly return static string super switch symbol this
  true type typeof undefined undefined2 unique unknown var void while with yield await async eval arguments require
  exports NaN Infinity`).filter((word) => word !== "undefined2");
const ofTrunkline = words(`unary Unary serverStreaming bidiStreaming defineService Service file FileDescriptor Method
  Client Implementation`);

const renamedIn = (names: readonly string[]): string[] => names.map((name) => `PKG.${name} is ${name}$`);

export const cases: readonly Case[] = [
  {
    name: "of_language",
    protos: { "a.proto": messages(ofLanguage) },
    renamed: renamedIn(["globalThis"]),
    use: `import { DateMessage, Error, FunctionMessage, Promise, String } from "./a.ts";
      export const all: [DateMessage, Error, FunctionMessage, Promise, String][] = [];`,
  },
  {
    name: "of_ts_proto",
    protos: { "a.proto": messages(ofTsProto, messageOf) },
    renamed: renamedIn(ofTsProto),
    use: `import { BigInt$, Map$, MessageFns$, Uint8Array$ } from "./a.ts";
      export const map: Map$ = Map$.fromPartial({ big: 2n, byText: { a: {} } });
      export const others: [BigInt$, MessageFns$, Uint8Array$][] = [];`,
  },
  { name: "locals", protos: { "a.proto": messages(locals, messageOf) }, renamed: renamedIn(locals) },
  {
    name: "of_typescript",
    protos: { "a.proto": messages(ofTypeScript) },
    renamed: renamedIn(ofTypeScript.filter((word) => !["type", "async", "NaN", "Infinity"].includes(word))),
  },
  { name: "of_trunkline", protos: { "a.proto": messages(ofTrunkline) }, renamed: [] },
  {
    name: "same_types",
    protos: {
      "a.proto": `service S { rpc Get(M) returns (M); }
        message M { Thing a = 1; Thing_ b = 2; A_b.C c = 3; Ab.C d = 4; AB.C e = 5; createBaseM f = 6; map<string, M> x = 7;
          XEntry_ g = 8; message XEntry_ { int32 n = 1; } }
        enum Thing { ONE = 0; TWO = 2; } enum Thing_ { THREE = 0; FOUR = 4; }
        message A_b { message C { int32 n = 1; } } message Ab { message C { bool n = 1; } }
        message AB { message C { string n = 1; } } message createBaseM { bytes n = 1; }`,
    },
    renamed: [
      "PKG.M.XEntry_ is M_XEntry$1",
      "PKG.AB is AB$1",
      "PKG.createBaseM is createBaseM$",
      "PKG.Thing_ is Thing$1",
    ],
    use: `import { AB_C, AB$1_C, Ab_C, M, Thing, Thing$1 } from "./a.ts";
      export const m: M = M.fromPartial({ a: Thing.TWO, b: Thing$1.FOUR, c: { n: 1 }, d: { n: true }, e: { n: "" } });
      export const all: [AB_C, AB$1_C, Ab_C][] = [];`,
  },
  {
    name: "no_letters",
    protos: {
      "a.proto": `service _ { rpc _(.PKG.__) returns (.PKG._1); rpc __(.PKG._1._2) returns (.PKG._3.__); }
        message __ { int32 _1 = 1; int64 _ = 2; oneof __ { bool _a = 3; bool _2 = 4; } }
        message _1 { message _2 { int32 n = 1; } _2 of = 1; }
        message _3 { message __ { int32 n = 1; } message _ { _E e = 1; } enum _E { ___ = 0; _5 = 5; } map<string, __> m = 1; }`,
    },
    renamed: [
      ...["PKG.__ is $", "PKG.__._1 is $1", "PKG.__._ is $", "PKG.__._2 is $2", "PKG.__.__ is $$1", "PKG._1 is $1"],
      "PKG._3 is $3",
      "PKG._3._ is $3_$1",
    ],
    use: `import { $, $1, $3_ } from "./a.ts";
      export const empty: $ = { $1: 1, $: 2n, $$1: { $case: "$2", value: true } };
      export const all: [$1, $3_][] = [];`,
  },
  {
    name: "methods",
    protos: {
      "a.proto": `service S { ${words(
        "constructor __proto__ toString then class Then HasOwnProperty valueOf toJSON prototype new say_hello SayHello",
      )
        .map((name) => `rpc ${name}(M) returns (M);`)
        .join(" ")} } message M { int32 n = 1; }`,
    },
    renamed: words("constructor toString then Then HasOwnProperty valueOf toJSON prototype")
      .map((name) => `PKG.S.${name} is ${name.charAt(0).toLowerCase()}${name.slice(1)}$`)
      .map((text) => text.replace("PKG.S.Then is then$", "PKG.S.Then is then$$1"))
      .concat("PKG.S.SayHello is sayHello$1"),
  },
  {
    name: "fields",
    protos: {
      "a.proto": `service S { rpc Get(M) returns (M); rpc Choose(Choice) returns (Choice); rpc Both(Same) returns (Same); }
        message M { int64 constructor = 1; repeated M __proto__ = 2; map<string, M> to_string = 3; bytes then = 4;
          optional int32 class = 5; string valueOf = 6; M hasOwnProperty = 7; bool default = 8; int32 message = 9;
          oneof is_prototype_of { int32 writer = 10; int64 object = 11; } int32 prototype = 12; string toJSON = 13; }
        message Choice { oneof then { M constructor = 1; int64 __proto__ = 2; M toString = 3; } }
        message Same { string FOO_BAR = 1; int64 fooBar = 2; string x_y = 3; oneof xY { int32 A_B = 4; int64 aB = 5; } }`,
    },
    renamed: [
      ...["PKG.M.constructor is constructor$", "PKG.M.to_string is toString$", "PKG.M.valueOf is valueOf$"],
      ...[
        "PKG.M.hasOwnProperty is hasOwnProperty$",
        "PKG.M.toJSON is toJSON$",
        "PKG.M.is_prototype_of is isPrototypeOf$",
      ],
      ...["PKG.Same.fooBar is fooBar$1", "PKG.Same.aB is aB$1", "PKG.Same.xY is xY$1"],
    ],
    use: `import { Choice, M, Same } from "./a.ts";
      export const m: M = M.fromPartial({ constructor$: 1n, toString$: {}, isPrototypeOf$: { $case: "writer", value: 1 } });
      export const choice: Choice = Choice.fromPartial({ then: { $case: "constructor", value: m } });
      export const same: Same = Same.fromPartial({ fooBar: "", fooBar$1: 1n, xY: "", xY$1: { $case: "aB$1", value: 1n } });`,
  },
  {
    name: "values",
    protos: {
      "a.proto": `service S { rpc Get(M) returns (M); } message M { E e = 1; repeated E es = 2; map<string, E> by = 3; }
        enum E { default = 0; class = 1; null = 2; undefined = 3; NaN = 4; __proto__ = 5; UNRECOGNIZED = 6;
          constructor = 8; toString = 9; string = 10; globalThis = 11; typeof = 12; _ = 13; _1 = 14; M_ = 15; }`,
    },
    renamed: words("default class null undefined __proto__ UNRECOGNIZED string globalThis typeof").map(
      (name) => `PKG.E.${name} is ${name}$`,
    ),
    use: `import { E, M } from "./a.ts";
      export const m: M = M.fromPartial({ e: E.default$, es: [E.class$, E.NaN, E.UNRECOGNIZED$] });
      export const none: E.null$ = E.null$;`,
  },
  {
    name: "services",
    protos: {
      "a.proto": `import "DIR/b.proto"; ${words("User delete undefined service Unary unary file defineService require")
        .map((name) => `service ${name} { rpc Get(b.User) returns (b.User); }`)
        .join(" ")}`,
      "b.proto": "message User { int32 n = 1; }",
    },
    renamed: words("delete undefined require").map((name) => `PKG.${name} is ${name}$`),
    use: `import { delete$, User } from "./a.rpc.ts";
      export const clients: [typeof delete$, typeof User][] = [];`,
  },
  {
    name: "imports",
    protos: {
      "a.proto": `import "DIR/b.proto"; import "DIR/c.proto"; service S { rpc Get(User) returns (User3); }
        message User { b.User b = 1; c.User c = 2; User1 one = 3; b.User2 two = 4; User3 three = 5; map<string, c.User> by = 6; }
        message User1 { int32 User2 = 1; } message User3 { string User1 = 1; optional c.User User2 = 2; }`,
      "b.proto": "message User { string b = 1; } message User2 { bytes b = 1; }",
      "c.proto": "message User { int64 c = 1; }",
    },
    renamed: [],
    use: `import { User, User1, User3 } from "./a.ts";
      import { User2 } from "./b.ts";
      export const user: User = User.fromPartial({ b: { b: "" }, c: { c: 1n }, one: { User2: 1 }, three: { User1: "" } });
      export const others: [User1, User2, User3][] = [];`,
  },
  {
    name: "files",
    protos: {
      "acme.protos/x.proto": `import "DIR/acme.tsunami/x.js.proto"; import "DIR/acme.protos/x.rpc.proto";
        import "DIR/acme.protos/x.desc.proto"; import "DIR/acme.protos/X.proto"; import "DIR/acme.protos/a-b.proto";
        import "DIR/acme.protos/a_b.proto"; import "DIR/class/default.proto";
        service S { rpc Get(M) returns (class.null.M); rpc Rpc(rpc.M) returns (rpc.M); }
        message M { ts.M a = 1; rpc.M b = 2; desc.M c = 3; upper.M d = 4; dash.M e = 5; underscore.M f = 6; }`,
      "acme.tsunami/x.js.proto": "package PKG.ts; message M { int32 n = 1; repeated M self = 2; } enum E { A = 0; }",
      "acme.protos/x.rpc.proto": "package PKG.rpc; message M { int32 n = 1; } service S { rpc Get(M) returns (M); }",
      "acme.protos/x.desc.proto": "package PKG.desc; message M { int32 n = 1; } service S { rpc Get(M) returns (M); }",
      "acme.protos/X.proto": "package PKG.upper; message M { int32 n = 1; } service S { rpc Get(M) returns (M); }",
      "acme.protos/a-b.proto": "package PKG.dash; message M { int32 n = 1; } service S { rpc Get(M) returns (M); }",
      "acme.protos/a_b.proto":
        "package PKG.underscore; message M { int32 n = 1; } service S { rpc Get(M) returns (M); }",
      "class/default.proto": "package PKG.class.null; message M { int32 n = 1; } service S { rpc Get(M) returns (M); }",
    },
    renamed: [],
    use: `import { S } from "./acme.protos/x.rpc$.rpc.ts";
      import { M } from "./acme.tsunami/x.js.ts";
      import { M as Lower } from "./acme.protos/x$1.ts";
      export const all: [typeof S, M, Lower][] = [];`,
  },
  {
    name: "masks",
    protos: {
      "a.proto": `import "google/protobuf/field_mask.proto"; service S { rpc Get(FieldMask) returns (FieldMask); }
        message FieldMask { oneof mask { google.protobuf.FieldMask a = 1; int32 b = 2; } google.protobuf.FieldMask c = 3; }`,
    },
    renamed: [],
    use: `import { FieldMask } from "./a.ts";
      export const mask: FieldMask = FieldMask.fromPartial({ mask: { $case: "a", value: ["b"] } });`,
  },
];

/** The files of a case, by their paths. */
export function protosOf({ name, protos }: Case): Record<string, string> {
  return Object.fromEntries(
    Object.entries(protos).map(([path, text]) => {
      const own = path.split("/").length === 1 && path !== "a.proto" ? `.${path.replace(".proto", "")}` : "";
      const head = `syntax = "proto3";\n${text.startsWith("package") ? "" : `package PKG${own};\n`}`;
      return [`${name}/${path}`, (head + text).replaceAll("PKG", `names.${name}`).replaceAll("DIR", name)];
    }),
  );
}

/** What is said of the case's names. */
export function renamedOf({ name, renamed }: Case): string[] {
  return renamed.map((text) => text.replaceAll("PKG", `names.${name}`));
}

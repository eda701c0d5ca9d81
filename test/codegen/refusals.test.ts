import { expect, test } from "vitest";
import { answer } from "./buf.ts";

/** What the plugin says to a service with these methods, which starts at line 5 of a.proto. */
function refusal(service: string, messages = ""): string {
  const text = `syntax = "proto3";\npackage a.v1;\nimport "trunkline/v1/options.proto";\nmessage M {}\n${service}\n${messages}`;
  const { error, files } = answer({ "a.proto": text });
  expect(error).not.toBe("");
  expect(files.size).toBe(0);
  return error;
}

/** A method at line 6, its options from line 7 on. */
function method(...options: readonly string[]): string {
  return `service S {\nrpc Do(M) returns (M) {\n${options.join("\n")}\n}\n}`;
}

const safe = "option idempotency_level = IDEMPOTENT;";
const option = (text: string) => `option (trunkline.v1.method) = {${text}};`;

test("retry on a method that is not declared safe is refused, with its line, its name and what to do", () => {
  const error = refusal(method("// Why not.", option("retry: {max_attempts: 3}")));
  expect(error).toContain("a.proto:8: a.v1.S.Do declares retry, but is not declared safe to send twice");
  expect(error).toContain('add "option idempotency_level = IDEMPOTENT;" (or NO_SIDE_EFFECTS) if it is');
});

test("hedging a method that is not declared safe is refused", () => {
  expect(refusal(method(option("hedge: {delay_ms: 5}")))).toContain("a.proto:7: a.v1.S.Do declares hedge, but is not");
});

test("IDEMPOTENCY_UNKNOWN, written out, is not safe", () => {
  const options = ["option idempotency_level = IDEMPOTENCY_UNKNOWN;", option("retry: {}")];
  expect(refusal(method(...options))).toContain("a.proto:8: a.v1.S.Do declares retry, but is not");
});

test("retry for a service of which no method is declared safe is refused", () => {
  const service = "service S {\noption (trunkline.v1.service).retry.max_attempts = 3;\nrpc Do(M) returns (M);\n}";
  expect(refusal(service)).toContain("a.proto:6: a.v1.S declares retry, but has no method that may be retried");
});

test("retry and hedging together are refused", () => {
  const text = "declares both retry and hedge, which gRPC does not allow: remove one";
  expect(refusal(method(safe, option("retry: {} hedge: {delay_ms: 1}")))).toContain(`a.proto:8: a.v1.S.Do ${text}`);
});

test("hedging a stream of requests is refused", () => {
  const service = `service S { rpc Do(stream M) returns (M) { ${safe} ${option("hedge: {}")} } }`;
  expect(refusal(service)).toContain("a.proto:5: a.v1.S.Do declares hedge, but a stream of requests cannot go to two");
});

test("hedging for a service of which no method may be hedged is refused", () => {
  const service = `service S { option (trunkline.v1.service) = {hedge: {}};\nrpc Do(stream M) returns (M) { ${safe} } }`;
  expect(refusal(service)).toContain("a.proto:5: a.v1.S declares hedge, but has no method that may be hedged");
});

const unkept = [
  ["retry: {max_attempts: 6}", "declares retry.max_attempts: 6; give 1 (off) to 5"],
  ["retry: {max_attempts: 0}", "declares retry.max_attempts: 0; give 1 (off) to 5"],
  ["hedge: {max_attempts: 6 delay_ms: 1}", "declares hedge.max_attempts: 6; give 1 (off) to 5"],
  ["retry: {initial_backoff_ms: 0}", "declares retry.initial_backoff_ms: 0; give 1 or more"],
  ["retry: {max_backoff_ms: 0}", "declares retry.max_backoff_ms: 0; give 1 or more"],
  [
    "retry: {initial_backoff_ms: 20 max_backoff_ms: 10}",
    "has retry.initial_backoff_ms 20 above retry.max_backoff_ms 10",
  ],
  ["retry: {initial_backoff_ms: 2000}", "has retry.initial_backoff_ms 2000 above retry.max_backoff_ms 1000"],
  ["retry: {backoff_multiplier: 0}", "declares retry.backoff_multiplier: 0; give a number above 0"],
  ["retry: {backoff_multiplier: -2}", "declares retry.backoff_multiplier: -2; give a number above 0"],
  ["retry: {backoff_multiplier: inf}", "declares retry.backoff_multiplier: Infinity; give a number above 0"],
  ["retry: {backoff_multiplier: nan}", "declares retry.backoff_multiplier: NaN; give a number above 0"],
  ["retry: {codes: OK}", "declares retry.codes with OK, which is no failure: remove it"],
  ["retry: {codes: 17}", "declares retry.codes with 17, which gRPC does not define"],
  ["max_request_bytes: 0", "declares max_request_bytes: 0; give 1 to 2147483647"],
  ["max_response_bytes: 3000000000", "declares max_response_bytes: 3000000000; give 1 to 2147483647"],
] as const;

test("a value that no client could keep is refused", () => {
  // All in one file, a method a line.
  const methods = unkept.map(([value], i) => `rpc Do${i}(M) returns (M) { ${safe} ${option(value)} }`);
  const error = refusal(`service S {\n${methods.join("\n")}\n}`);
  for (const [i, [, text]] of unkept.entries()) expect(error).toContain(`a.proto:${6 + i}: a.v1.S.Do${i} ${text}`);
});

test.each(["timeout_ms: -1", "retry: {codes: BROKEN}", "retry: {max_attempts: many}", "retries: {}"])(
  "%s does not even compile, and the compiler names file and line",
  (declaration) => {
    expect(() => refusal(method(safe, option(declaration)))).toThrow(/a\.proto:8:/);
  },
);

test("every problem of every file is told at once", () => {
  const service = `service S {
rpc One(M) returns (M) { option (trunkline.v1.method).retry.max_attempts = 9; }
rpc Two(M) returns (M) { option (trunkline.v1.method).hedge.delay_ms = 9; }
}
service T { rpc Three(M) returns (M) { option (trunkline.v1.method).max_request_bytes = 0; } }`;
  const error = refusal(service);
  for (const line of [
    "6: a.v1.S.One declares retry.max",
    "6: a.v1.S.One declares retry,",
    "7: a.v1.S.Two",
    "9: a.v1.T.Three",
  ]) {
    expect(error).toContain(`a.proto:${line}`);
  }
});

test("one attempt, which says never again, needs no declaration of safety", () => {
  const text = `syntax = "proto3";\nimport "trunkline/v1/options.proto";\nmessage M {}\n${method(option("retry: {max_attempts: 1}"))}`;
  const { error, files } = answer({ "a.proto": text });
  expect(error).toBe("");
  expect(files.get("a.rpc.ts")).toContain("{ policy: { retry: false } }");
});

test.each([
  ["message delete {}", "delete", "a.proto:6: a.v1.delete", "delete$"],
  ["message Uint8Array {}", "Uint8Array", "a.proto:6: a.v1.Uint8Array", "Uint8Array$"],
  ["message N { E e = 1; }\nenum E { Z = 0; class = 1; }", "N", "a.proto:7: a.v1.E.class", "class$"],
  ["message N { string FOO_BAR = 1;\nstring fooBar = 2; }", "N", "a.proto:7: a.v1.N.fooBar", "fooBar$1"],
])(
  "where ts-proto is run apart from the plugin, a name that it cannot have is refused: %s",
  (messages, name, of, other) => {
    expect(refusal(`service S { rpc Do(M) returns (${name}); }`, messages)).toBe(
      `${of} has no name in the code that ts-proto makes by itself: rename it, or let this plugin run ts-proto ` +
        `(messages=ts-proto), which calls it ${other}`,
    );
  },
);

function edition(fields: string, ...opt: readonly string[]) {
  return answer(
    {
      "e.proto": `edition = "2023";\npackage e.v1;\nservice S { rpc Do(M) returns (M); }\nmessage M {\n${fields}\n}`,
    },
    ...opt,
  );
}

const withPlugin = "let this plugin run ts-proto (messages=ts-proto)";
const isGroup = `is a group, which ts-proto cannot encode or decode by itself: ${withPlugin}`;

test("what ts-proto by itself would encode wrongly in an edition is refused", () => {
  const delimited = "M m = 1 [features.message_encoding = DELIMITED];";
  expect(edition(delimited).error).toBe(`e.proto:5: e.v1.M.m ${isGroup}`);
  expect(edition(delimited, "messages=ts-proto").error).toBe("");
  const withDefault = "int32 n = 1 [default = 5];";
  expect(edition(withDefault).error).toBe(
    "e.proto:5: e.v1.M.n would be read as zero where it is unset: remove default = 5, or let this plugin run ts-proto (messages=ts-proto)",
  );
  expect(edition(withDefault, "messages=ts-proto").error).toBe("");
});

const soCalled =
  "so called in code, where TypeScript or something else has the name; on the wire and in JSON they keep their own";
const careful =
  "int32 n = 1;\nint32 o = 2;\nstring to_string = 3 [features.field_presence = LEGACY_REQUIRED];\nstring constructor = 4;";

test("what holds only with care is generated with a warning, one for each file and kind", () => {
  expect(edition(careful, "messages=ts-proto")).toMatchObject({
    error: "",
    warnings: [
      `e.proto:7: e.v1.M.to_string is toString$, e.v1.M.constructor is constructor$: ${soCalled}`,
      "e.proto:7: e.v1.M.to_string: required, but messages are sent and taken without: set them always, or others refuse the message",
    ],
  });
  expect(edition(careful).warnings).toEqual([
    expect.stringMatching(
      /^e\.proto:5: e\.v1\.M\.n, e\.v1\.M\.o, e\.v1\.M\.to_string and 1 more: a field set to its default is not sent/,
    ),
    expect.stringMatching(/^e\.proto:7: e\.v1\.M\.to_string: required/),
    "e.proto:7: e.v1.M.to_string, e.v1.M.constructor: called as a property of every JavaScript object: never leave them out of a message that you send",
  ]);
});

/** What the plugin says to proto2 that no service reaches, beside one that a service does. */
function proto2(text: string, ...opt: readonly string[]) {
  const service = 'syntax = "proto3"; package s; service S { rpc Do(M) returns (M); } message M {}';
  return answer({ "s.proto": service, "old.proto": `syntax = "proto2";\npackage old;\n${text}` }, ...opt);
}

test("where ts-proto is run apart from the plugin, a group or a MessageSet that a service reaches is refused", () => {
  const refused = (text: string) => {
    const service = `syntax = "proto2";\npackage old;\nservice S { rpc Do(M) returns (M); }\n${text}`;
    expect(answer({ "old.proto": service }, "messages=ts-proto").error).toBe("");
    return answer({ "old.proto": service }).error;
  };
  expect(refused("message M { repeated group G = 1 { optional int32 n = 1; } }")).toBe(
    `old.proto:4: old.M.g ${isGroup}`,
  );
  expect(refused("message M { option message_set_wire_format = true; extensions 4 to max; }")).toBe(
    `old.proto:4: old.M is a MessageSet, which ts-proto cannot decode by itself: ${withPlugin}, which leaves its extensions out`,
  );
});

test("what a message's extensions lose is warned of, and so is a default that is not filled in", () => {
  const text = 'message M { extensions 4 to 8; optional string s = 1 [default = "x"]; required M m = 2; }';
  expect(proto2(text, "messages=ts-proto")).toMatchObject({
    error: "",
    warnings: [
      expect.stringMatching(/^old\.proto:3: old\.M\.m: required/),
      expect.stringMatching(/^old\.proto:3: old\.M\.s: where they are unset they are undefined/),
      expect.stringMatching(/^old\.proto:3: old\.M: extensions of them are dropped when they are decoded/),
    ],
  });
});

test.each([
  ["double n = 1 [default = inf];", "would become code that does not run: remove default = inf"],
  ["float n = 1 [default = -nan];", "would become code that does not run: remove default = nan"],
  ['bytes n = 1 [default = "x"];', "would be read as empty where it is unset: remove default = x"],
])("where ts-proto is run apart from the plugin, %s is refused", (field, text) => {
  const service = `syntax = "proto2"; message M { optional ${field} } service S { rpc Do(M) returns (M); }`;
  expect(answer({ "a.proto": service }).error).toBe(
    `a.proto:1: M.n ${text}, or let this plugin run ts-proto (messages=ts-proto)`,
  );
  expect(answer({ "a.proto": service }, "messages=ts-proto").error).toBe("");
});

test("a large tree does not fill the screen with warnings", () => {
  const files = Object.fromEntries(
    Array.from({ length: 130 }, (_, i) => [
      `f${i}.proto`,
      `syntax = "proto2"; message M${i} { ${Array.from({ length: 9 }, (_, n) => `required int32 n${n} = ${n + 1};`).join(" ")} }`,
    ]),
  );
  const { error, warnings } = answer(files, "messages=ts-proto");
  expect(error).toBe("");
  expect(warnings).toHaveLength(101);
  expect(warnings[0]).toContain(" and 6 more: required");
  expect(warnings.at(-1)).toBe("and 30 more like these");
});

test.each([
  ['public: true scopes: "a"', "declares auth.public together with auth.scopes: remove one"],
  ['scopes: "a b"', 'declares auth.scopes with "a b": give one scope each, without spaces'],
  ['scopes: ""', 'declares auth.scopes with "": give one scope each, without spaces'],
])("auth that could not be held to is refused: %s", (auth, text) => {
  expect(refusal(method(option(`auth: {${auth}}`)))).toBe(`a.proto:7: a.v1.S.Do ${text}`);
});

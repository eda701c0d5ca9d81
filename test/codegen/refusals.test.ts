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
  ["message delete {}", "delete", 'a.proto:6: a.v1.delete cannot be generated, since "delete" can name no type'],
  ["message Uint8Array {}", "Uint8Array", "a.proto:6: a.v1.Uint8Array cannot be generated"],
  ["message N { E e = 1; }\nenum E { Z = 0; class = 1; }", "N", "a.proto:7: a.v1.E.class cannot be generated"],
])("a name that TypeScript cannot have is refused: %s", (messages, name, text) => {
  expect(refusal(`service S { rpc Do(M) returns (${name}); }`, messages)).toContain(text);
});

function edition(fields: string) {
  return answer({
    "e.proto": `edition = "2023";\npackage e.v1;\nservice S { rpc Do(M) returns (M); }\nmessage M {\n${fields}\n}`,
  });
}

test("what ts-proto would encode wrongly in an edition is refused", () => {
  expect(edition("M m = 1 [features.message_encoding = DELIMITED];").error).toContain(
    "e.proto:5: e.v1.M.m would be encoded with its length in front: remove features.message_encoding = DELIMITED",
  );
  expect(edition("int32 n = 1 [default = 5];").error).toContain(
    "e.proto:5: e.v1.M.n would be read as zero where it is",
  );
});

test("what holds only with care is generated with a warning", () => {
  const { error, warnings } = edition(
    "int32 n = 1;\nint32 o = 2;\nstring to_string = 3 [features.field_presence = LEGACY_REQUIRED];\nstring constructor = 4;",
  );
  expect(error).toBe("");
  expect(warnings).toEqual([
    expect.stringMatching(/^e\.proto:7: e\.v1\.M\.to_string is required, but is not sent while it is zero/),
    expect.stringMatching(/^e\.proto:8: e\.v1\.M\.constructor is called as a property of every JavaScript object/),
    expect.stringMatching(/^e\.proto: fields of an edition are generated without presence/),
  ]);
});

import { Code, createChannel, createClient, createServer, RpcError } from "trunkline";
import { defineService, serverStreaming, unary } from "trunkline/contract";
import { describe, expect, test } from "vitest";
import { wires } from "../support/wires.ts";
import { Rich, Tricky } from "../transport/codec/golden/rich.ts";

const Rough = defineService("test.Rough", {
  take: unary("Take", Rich, Tricky),
  give: unary("Give", Tricky, Rich),
  list: serverStreaming("List", Tricky, Rich),
});

class Foreign {
  readonly year = 2026;
}

const fields = "give its fields as an object";
const aRich = "a message of type codec.test.v1.Rich was given";
const aMoment = "a message of type google.protobuf.Timestamp was given";
const record = "give an object";
const fromMap = "give Object.fromEntries(map)";
const whole = "give a bigint, a whole number, or its digits";
const choice =
  'give { $case, value }, with "choiceText" or "choiceUint32" or "choiceRich" or "choiceData" or "choiceDouble" for the $case';
const deep = (rich: object): object => ({ children: [{}, { richesByInt32: { 7: { nested: rich } } }] });

/** What no type allows, which field it is, and what is said of it. */
const misfits: readonly (readonly [field: string, given: object, why: string])[] = [
  [
    "textsByText",
    { textsByText: new Map([["a", "b"]]) },
    `an object of keys and values was given an object (Map): ${fromMap}`,
  ],
  ["textsByText", { textsByText: ["a"] }, `an object of keys and values was given a list: ${record}`],
  ["textsByText", { textsByText: "a" }, `an object of keys and values was given a string: ${record}`],
  ["textsByText.b", { textsByText: { a: "a", b: 7, c: "c" } }, "a field of type string was given the number 7"],
  ["textsByText.b", { textsByText: { a: "a", b: null, c: "c" } }, "a field of type string was given null"],
  ["richesByInt32", { richesByInt32: new Map() }, `an object of keys and values was given an object (Map): ${fromMap}`],
  ['richesByInt32["2"]', { richesByInt32: { 1: {}, 2: null, 3: {} } }, `${aRich} null: ${fields}`],
  [
    "datasByUint64",
    { datasByUint64: { 1: new Uint8Array() } },
    "a map whose keys are bigints or booleans was given an object (Object): give a Map",
  ],
  [
    "datasByUint64",
    { datasByUint64: new Map([["one", new Uint8Array()]]) },
    `a field of 64 bits was given a string: ${whole}`,
  ],
  [
    "colorsByFlag",
    { colorsByFlag: [[true, 1]] },
    "a map whose keys are bigints or booleans was given a list: give a Map",
  ],
  ["choice", { choice: { choiceText: "a" } }, `a oneof was given an object (Object): ${choice}`],
  ["choice", { choice: { $case: "text", value: "a" } }, `a oneof was given an object (Object): ${choice}`],
  ["choice", { choice: "a" }, `a oneof was given a string: ${choice}`],
  ["choice.value", { choice: { $case: "choiceUint32", value: -1 } }, "a field of type uint32 was given the number -1"],
  ["choice.value", { choice: { $case: "choiceRich", value: [] } }, `${aRich} a list: ${fields}`],
  ["at", { at: new Date(0) }, `${aMoment} an object (Date): ${fields}`],
  ["at", { at: new Foreign() }, `${aMoment} an object (Foreign): ${fields}`],
  ["at", { at: 7 }, `${aMoment} the number 7: ${fields}`],
  ["at.seconds", { at: { seconds: 1.5 } }, `a field of 64 bits was given the number 1.5: ${whole}`],
  ["nested", { nested: [] }, `${aRich} a list: ${fields}`],
  ["nested", { nested: "a" }, `${aRich} a string: ${fields}`],
  ["nested", { nested: new Map() }, `${aRich} an object (Map): ${fields}`],
  ["nested", { nested: Promise.resolve({}) }, `${aRich} an object (Promise): ${fields}`],
  ["children[1]", { children: [{}, null] }, `${aRich} null: ${fields}`],
  ["children[1]", { children: [{}, new Uint8Array(1)] }, `${aRich} an object (Uint8Array): ${fields}`],
  ["children", { children: new Set([{}]) }, "a list was given an object (Set): give an array"],
  ["texts", { texts: "a" }, "a list was given a string: give an array"],
  ["texts[1]", { texts: ["a", 7] }, "a field of type string was given the number 7"],
  ["int64", { int64: true }, `a field of 64 bits was given the boolean true: ${whole}`],
  ["int64", { int64: "" }, `a field of 64 bits was given a string: ${whole}`],
  ["int64", { int64: 1.5 }, `a field of 64 bits was given the number 1.5: ${whole}`],
  ["int64s[1]", { int64s: [1n, new Date(0)] }, `a field of 64 bits was given an object (Date): ${whole}`],
  ["data", { data: "secret" }, "a field of type bytes was given a string"],
  ["data", { data: [1, 2] }, "a field of type bytes was given a list"],
  ["data", { data: new ArrayBuffer(1) }, "a field of type bytes was given an object (ArrayBuffer)"],
  ["color", { color: "COLOR_RED" }, 'a field of type int32 was given the string "COLOR_RED"'],
  ["struct", { struct: new Map([["a", 1]]) }, `an object of keys and values was given an object (Map): ${fromMap}`],
  ["value", { value: new Date(0) }, `an object of keys and values was given an object (Date): ${record}`],
  [
    "value.a[1]",
    { value: { a: [1, new Set([1])] } },
    `an object of keys and values was given an object (Set): ${record}`,
  ],
  [
    'children[1].richesByInt32["7"].nested.flag',
    deep({ flag: "yes" }),
    'a field of type bool was given the string "yes"',
  ],
  ['children[1].richesByInt32["7"].nested.at', deep({ at: new Date(0) }), `${aMoment} an object (Date): ${fields}`],
];

describe.each(wires)("over %s, what no type allows is lost in no message", (_name, wire) => {
  async function told(run: (client: any) => Promise<unknown>, reply: object = {}): Promise<RpcError> {
    const transport = wire();
    await using server = createServer({ transport });
    server.add(Rough, {
      take: () => ({}),
      give: () => reply as never,
      async *list() {
        yield {};
        yield reply as never;
      },
    });
    await using channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")], transport });
    const failed = run(createClient(Rough, channel)).then(() => expect.fail("it was sent"), RpcError.from);
    await failed;
    return failed;
  }

  test.each(misfits)("of a request: %s of %o", async (field, given, why) => {
    const error = await told((client) => client.take(given));
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, local: true, method: "/test.Rough/Take" });
    expect(error.message).toBe(
      `the request of /test.Rough/Take does not encode as codec.test.v1.Rich: field "${field}": ${why}`,
    );
  });

  test.each(misfits)("of a reply: %s of %o", async (field, reply, why) => {
    const { code, message } = await told((client) => client.give({}), reply);
    expect({ code, message }).toMatchObject({
      code: Code.INTERNAL,
      message: expect.stringContaining(`field "${field}": ${why}`),
    });
  });

  test("of a stream's reply", async () => {
    const all = async (client: any): Promise<void> => {
      for await (const _ of client.list({}));
    };
    expect((await told(all, { at: new Date(0) })).message).toContain('field "at": ');
  });
});

test.each([
  [
    "an object without a prototype",
    Object.assign(Object.create(null), { text: "a", textsByText: Object.create(null) }),
  ],
  [
    "an instance of a class that has the fields",
    new (class Named {
      text = "a";
    })(),
  ],
  [
    "getters",
    new (class {
      get text() {
        return "a";
      }
    })(),
  ],
  ["an empty object of another kind of empty", { text: "a", nested: Object.create(null), struct: Object.create(null) }],
  ["null for what is unset", { text: "a", choice: null, texts: null, textsByText: null, at: null, int64: null }],
])("%s is a message as before", (_what, given) => {
  expect(Rich.fromPartial(given as object).text).toBe("a");
});

test("numbers of 64 bits may be given in every form that holds one", () => {
  const given = { int64: 7, int64s: ["-7", 7n, 2 ** 60], datasByUint64: new Map([[7, new Uint8Array(1)]]) as never };
  const { int64, int64s, datasByUint64 } = Rich.fromPartial(given);
  expect({ int64, int64s, keys: [...datasByUint64.keys()] }).toEqual({
    int64: 7n,
    int64s: [-7n, 7n, 2n ** 60n],
    keys: [7n],
  });
});

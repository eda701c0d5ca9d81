import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "trunkline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../support/program.ts";
import { startKitchen } from "./kitchen.ts";
import { json, trunkline } from "./trunkline.ts";

const protos = join(import.meta.dirname, "protos");
let kitchen: Server & { readonly address: string };
beforeAll(async () => {
  kitchen = await startKitchen();
});
afterAll(() => kitchen.close());

const call = (method: string, args: readonly string[]) =>
  trunkline(["call", method, "--address", kitchen.address, ...args]);
const kitchenProto = ["--proto", "kitchen/v1/kitchen.proto", "--proto-path", protos];

async function echo(message: unknown, args: readonly string[] = []): Promise<unknown> {
  const { code, stdout, stderr } = await call("kitchen.v1.Kitchen/Echo", [
    ...kitchenProto,
    ...args,
    "-d",
    JSON.stringify(message),
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return json(stdout);
}

test("every kind of field goes through as canonical JSON", async () => {
  const message = {
    bigNumber: "-9007199254740993",
    bigger: "18446744073709551615",
    zigzag: -5,
    fixed: "1",
    ratio: "NaN",
    raw: "AQL/",
    colour: "COLOUR_RED",
    plate: { name: "top", under: { zigzag: 1 }, colour: "COLOUR_RED" },
    numbers: [1, -1],
    loose: [2, 3],
    plates: { a: { name: "x" } },
    byNumber: { "-7": "seven" },
    textChoice: "",
    maybe: "",
    calledOtherwise: "here",
    at: "2024-02-29T12:00:00.000000001Z",
    lasting: "-1.500s",
    any: { "@type": "type.googleapis.com/kitchen.v1.Sink.Plate", name: "packed" },
    looseEnds: { list: [1, null, "x", { deep: true }] },
    wrapped: "",
    mask: "bigNumber,plate.name",
    jar: { label: "", count: 0, sizes: [1, 2], taste: "TASTE_SALTY" },
    colours: { wall: "COLOUR_RED" },
  };
  expect(await echo(message)).toEqual(message);
});

test("numbers and names are taken in each form that JSON allows", async () => {
  expect(await echo({ big_number: 5, colour: 1, number_choice: "3", ratio: "Infinity", renamed: "y" })).toEqual({
    bigNumber: "5",
    colour: "COLOUR_RED",
    numberChoice: 3,
    ratio: "Infinity",
    calledOtherwise: "y",
  });
});

test("fields with their default are left out, or shown with --defaults", async () => {
  expect(await echo({ zigzag: 0, numbers: [] })).toEqual({});
  expect(await echo({}, ["--defaults"])).toMatchObject({ zigzag: 0, numbers: [], colour: "COLOUR_UNSPECIFIED" });
});

test("a request that lacks a field which proto2 requires is refused", async () => {
  const { code, stderr } = await call("kitchen.v1.Kitchen/Echo", [...kitchenProto, "-d", '{"jar": {}}']);
  expect(code).not.toBe(0);
  expect(stderr).toMatch("label");
});

test("a method without fields is called without data", async () => {
  const { code, stdout } = await call("kitchen.v1.Kitchen/Nothing", kitchenProto);
  expect(code).toBe(0);
  expect(json(stdout)).toEqual({});
});

test("a contract without a package is called by the service's bare name", async () => {
  const { code, stdout } = await call("Plain/Ask", ["--proto", join(protos, "plain.proto"), "-d", '{"text":"why?"}']);
  expect(code).toBe(0);
  expect(json(stdout)).toEqual({ text: "why?" });
});

test("imports are found from the folders above a file, without --proto-path", async () => {
  const args = ["--proto", "test/cli/protos/kitchen/v1/kitchen.proto"];
  expect(process.cwd()).toBe(repository);
  expect((await call("kitchen.v1.Kitchen/Echo", args)).code).toBe(0);
});

test("what is wrong with a contract is said: no file, no import, no syntax", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-protos-"));
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const missing = await call("a.B/C", ["--proto", join(folder, "none.proto")]);
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining(`there is no file ${folder}/none.proto`) });

  const lost = await write("lost.proto", 'syntax = "proto3"; import "no/where.proto"; message A {}');
  expect(await call("a.B/C", ["--proto", lost])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/cannot read .*lost\.proto: it imports .*no\/where\.proto, which is not there/),
  });

  const broken = await write("broken.proto", 'syntax = "proto3";\nmessage A {\n  string name 1;\n}\n');
  expect(await call("a.B/C", ["--proto", broken])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/broken\.proto.*line 3/),
  });

  const unknown = await write("unknown.proto", 'syntax = "proto3"; message A { Missing it = 1; }');
  expect(await call("a.B/C", ["--proto", unknown])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching("Missing"),
  });
});

test("a contract of Trunkline's own users is read: its options are found", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-protos-"));
  const file = join(folder, "own.proto");
  await writeFile(
    file,
    'syntax = "proto3"; import "trunkline/v1/options.proto"; message Question { string text = 1; } ' +
      "service Plain { rpc Ask(Question) returns (Question); }",
  );
  expect(await call("Plain/Ask", ["--proto", file, "-d", '{"text":"x"}'])).toMatchObject({ code: 0, stderr: "" });
});

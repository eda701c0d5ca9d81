import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "../support/program.ts";

const program = join(import.meta.dirname, "uncaught.ts");

/** What Node prints of the error that a program dies of, with what differs from run to run and place to place put aside. */
async function lastWords(of: string): Promise<string> {
  const { code, stderr } = await runProgram(program, [of]);
  expect(code).toBe(1);
  return stderr
    .replaceAll(/file:\/\/\S*?\/uncaught\.ts:\d+(:\d+)?/g, "uncaught.ts")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:port")
    .replaceAll(/Node\.js v.*\n/g, "");
}

test("an error that nobody catches is the caller's line, the code in words, the method and the peer", async () => {
  expect(await lastWords("unary")).toBe(`uncaught.ts
  await greeter.sayHello({ name: "you" });
  ^

RpcError NOT_FOUND: nobody has that name
    at async unary (uncaught.ts)
    at async uncaught.ts {
  code: 5,
  method: '/greeter.v1.Greeter/SayHello',
  peer: '127.0.0.1:port'
}

`);
});

test("so it is of a stream that breaks", async () => {
  expect(await lastWords("stream")).toBe(`uncaught.ts
  for await (const _ of greeter.chat([]));
                   ^

RpcError ABORTED: enough
    at async stream (uncaught.ts)
    at async uncaught.ts {
  code: 10,
  method: '/greeter.v1.Greeter/Chat',
  peer: '127.0.0.1:port'
}

`);
});

test("what lies beneath is told once, with where it was made", async () => {
  expect(await lastWords("cause")).toMatch(
    /^RpcError UNKNOWN: no more names\n {4}at async cause \(uncaught\.ts\)\n {4}at async uncaught\.ts \{\n {2}code: 2,\n {2}local: true,\n {2}method: .*\n {2}peer: .*\n {2}\[cause\]: Error: no more names\n {6}at names \(uncaught\.ts\)\n/m,
  );
  const aborted = await lastWords("aborted");
  expect(aborted).toMatch(/\[cause\]: DOMException \[AbortError\]: This operation was aborted\n/);
  expect(aborted.match(/\[cause\]/g)).toHaveLength(1);
  expect(aborted.match(/RpcError/g)).toHaveLength(1);
});

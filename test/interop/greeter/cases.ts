import assert from "node:assert/strict";

/** What the cases need of a client of the greeter. */
export interface GreeterUnderTest {
  sayHello(name: string): Promise<string>;
  sayHelloAgain(name: string): Promise<string>;
  /** `sayHello` with the request compressed by gzip. */
  compressed(name: string): Promise<string>;
  chat(names: AsyncIterable<string>): AsyncIterable<string>;
  /** Calls with the name "slow", and throws unless that ends with DEADLINE_EXCEEDED. */
  deadline(timeoutMs: number): Promise<void>;
  /** Sends `x-echo` and `x-echo-bin`, and gives the one from the header and the other from the trailer. */
  metadata(text: string, bytes: Uint8Array): Promise<readonly [string | undefined, Uint8Array | undefined]>;
  /** Calls without a name, and gives the field that the detail of INVALID_ARGUMENT names. */
  refusedField(): Promise<string | undefined>;
}

/** The names of the cases, the same in every language. */
export const caseNames = [
  "say_hello",
  "say_hello_again",
  "large",
  "compressed",
  "chat",
  "deadline",
  "metadata",
  "rich_details",
] as const;

type Cases = Readonly<Record<(typeof caseNames)[number], () => Promise<void>>>;

export function greeterCases(greeter: GreeterUnderTest): Cases {
  return {
    async say_hello() {
      assert.equal(await greeter.sayHello("Ada"), "Hello Ada");
    },
    async say_hello_again() {
      assert.equal(await greeter.sayHelloAgain("Ada"), "Hello again, Ada");
    },
    async large() {
      const name = "a".repeat(1_000_000);
      assert.ok((await greeter.sayHello(name)) === `Hello ${name}`, "another reply");
    },
    async compressed() {
      const name = "a".repeat(100_000);
      assert.ok((await greeter.compressed(name)) === `Hello ${name}`, "another reply");
    },
    async chat() {
      const names = ["Ada", "Grace", "Radia"];
      let answered = Promise.withResolvers<void>();
      async function* asking() {
        for (const name of names) {
          yield name;
          await answered.promise;
          answered = Promise.withResolvers<void>();
        }
      }
      const replies: string[] = [];
      for await (const reply of greeter.chat(asking())) {
        replies.push(reply);
        answered.resolve();
      }
      assert.deepEqual(
        replies,
        names.map((name) => `Hello ${name}`),
      );
    },
    deadline: () => greeter.deadline(200),
    async metadata() {
      const [text, bytes] = await greeter.metadata("text", Uint8Array.of(0, 255, 1));
      assert.equal(text, "text");
      assert.deepEqual([...(bytes ?? [])], [0, 255, 1]);
    },
    async rich_details() {
      assert.equal(await greeter.refusedField(), "name");
    },
  };
}

/** Runs the cases and prints a line for each: its name, and how it went. */
export async function report(cases: Cases): Promise<void> {
  for (const name of caseNames) {
    try {
      await cases[name]();
      console.log(`${name} passed`);
    } catch (error) {
      console.log(`${name} failed: ${`${error}`.replaceAll("\n", " ")}`);
    }
  }
}

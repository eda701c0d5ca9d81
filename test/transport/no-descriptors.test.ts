import { join } from "node:path";
import { createChannel, createClient, createServer } from "trunkline";
import { afterEach, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greetings } from "../support/greeter.ts";
import { type Program, startCommand } from "../support/program.ts";

const file = join(import.meta.dirname, "no-descriptors.ts");
let program: Program | undefined;

afterEach(async () => {
  program?.child.kill();
  await program?.ended;
});

/** A program that may have so few file descriptors open that it soon has none left. */
function startWithFew(...args: string[]): Program {
  const node = [process.execPath, "--conditions=@trunkline/source", file, ...args];
  program = startCommand("sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", ...node], { stdin: "pipe" });
  return program;
}

function tell({ child, printed }: Program, line: string): Promise<string> {
  child.stdin?.write(`${line}\n`);
  return printed(new RegExp(`${line} done`));
}

describe.each(["http2", "grpc-js"])("over %s, where file descriptors have run out", (wire) => {
  test("the server says so and what to do, and serves again when there are some", async () => {
    const program = startWithFew(wire);
    const [, address = ""] = /listening at (\S+)/.exec(await program.printed(/listening at \S+/)) ?? [];
    await using channel = createChannel({ endpoints: [address] });
    const greeter = createClient(Greeter, channel);
    await greeter.sayHello({ name: "before" });
    await tell(program, "fill");
    const said = await program.printed(/error connections are closed as they come/);
    expect(said).toContain("this process has no file descriptor left (EMFILE): raise its limit (ulimit -n)");
    // The connection that is there goes on.
    expect(await greeter.sayHello({ name: "meanwhile" })).toEqual({ message: "Hello meanwhile" });
    await tell(program, "free");
    await program.printed(/info connections are accepted again/);
    await using other = createChannel({ endpoints: [address] });
    expect(await createClient(Greeter, other).sayHello({ name: "you" })).toEqual({ message: "Hello you" });
  });

  test("a client's call says so and what to do, blames no server, and is made once there are some", async () => {
    await using server = createServer().add(Greeter, greetings);
    const program = startWithFew(wire, await server.listen("127.0.0.1:0"));
    await tell(program, "fill");
    const said = await tell(program, "call");
    expect(said).toMatch(
      /UNAVAILABLE local=true unprocessed=true .*no file descriptor left \(EMFILE\): raise its limit/,
    );
    await tell(program, "free");
    program.child.stdin?.write("again\n");
    expect(await program.printed(/again done/)).toContain("answered: Hello you");
  });
});

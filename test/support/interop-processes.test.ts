import { expect, test } from "vitest";
import { run, start } from "../interop/processes.ts";

const node = process.execPath;
const forever = ["--eval", "console.log('up'); setInterval(() => {}, 1000)"];

test("a program that is killed by its time limit says so, and what the limit was", async () => {
  await expect(run(node, forever, { timeoutMs: 500 })).rejects.toThrow(/was killed: it took longer than 0.5 s/);
});

test("a program that a signal ended names the signal, in its output too", async () => {
  const program = start(node, forever);
  await program.printed(/up/);
  program.child.kill("SIGKILL");
  expect(await program.ended).toBeNull();
  expect(program.outcome).toBe("was killed by SIGKILL");
  expect(program.output).toMatch(/was killed by SIGKILL/);
});

test("a program that fails gives its code and what it printed", async () => {
  const failing = ["--eval", "console.error('no such module'); process.exit(3)"];
  await expect(run(node, failing)).rejects.toThrow(/ended with code 3: no such module/);
  expect(await run(node, ["--eval", "console.log('fine')"])).toBe("fine\n");
});

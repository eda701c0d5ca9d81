import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const logging = new URL("../../src/observe/logging.ts", import.meta.url);
const rpcError = new URL("../../src/core/rpc-error.ts", import.meta.url);

/** Runs a line of code in a process of its own, since a logger writes to the process's standard error. */
function run(code: string): { stdout: string; lines: Record<string, unknown>[] } {
  const imports = `import { createLogger } from "${logging}"; import { RpcError } from "${rpcError}";`;
  const args = ["--input-type=module", "--conditions=@trunkline/source", "-e", imports + code];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  return {
    stdout,
    lines: stderr
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  };
}

test("a logger is silent unless it is given a level", () => {
  expect(run(`createLogger().error({}, "heard by nobody")`)).toEqual({ stdout: "", lines: [] });
});

test("lines go to standard error, from their level on", () => {
  const { stdout, lines } = run(
    `const log = createLogger("info"); log.debug({}, "no"); log.info({ peer: "a:1" }, "yes")`,
  );
  expect(stdout).toBe("");
  expect(lines).toMatchObject([{ level: 30, peer: "a:1", msg: "yes" }]);
});

test("an RpcError is logged by its code and message, without the caller's metadata", () => {
  const { lines } = run(`createLogger("info").warn({ err: new RpcError(14, "gone", { peer: "a:1" }) }, "failed")`);
  expect(lines[0]?.err).toMatchObject({ type: "RpcError", code: "UNAVAILABLE", message: "gone", peer: "a:1" });
  expect(lines[0]?.err).not.toHaveProperty("metadata");
});

test("the error of a call is logged with the record of what was decided about it", () => {
  const src = new URL("../../src/", import.meta.url);
  const { lines } = run(`
    const { createChannel, createClient } = await import("${src}index.ts");
    const { Greeter } = await import("${new URL("../gen/greeter/v1/greeter.rpc.ts", src)}");
    const channel = createChannel({ endpoints: ["127.0.0.1:1"] });
    const err = await createClient(Greeter, channel).sayHello({}).catch((error) => error);
    createLogger("info").warn({ err }, "failed");
    await channel.close();
  `);
  const record = { code: "UNAVAILABLE", peers: { known: 1 }, help: expect.stringContaining("not connected") };
  expect(lines).toMatchObject([{ err: { type: "RpcError", record } }]);
});

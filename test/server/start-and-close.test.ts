import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, createServer, memoryRegistry, RpcError } from "trunkline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { startProgram } from "../support/program.ts";
import { wires } from "../support/wires.ts";

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(() => expect.fail("it succeeded"), RpcError.from);

/** Whether anybody listens there. */
function answers(address: string): Promise<boolean> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

describe.each(wires)("over %s", (name, wire) => {
  test("a server that was closed before it listened never listens", async () => {
    const server = createServer({ transport: wire() }).add(Greeter, greetings);
    await server.close();
    await expect(server.listen("127.0.0.1:0")).rejects.toThrow("has been closed");
    expect(server.address).toBeUndefined();
  });

  test("a server that is closed while it begins to listen does not listen, and never registers", async () => {
    const registry = memoryRegistry();
    const seen: number[] = [];
    const stop = registry.resolve("greeter.v1.Greeter", ({ endpoints }) => seen.push(endpoints.length));
    const address = `127.0.0.1:${await freePort()}`;
    const transport = wire();
    const server = createServer({ transport, registry }).add(Greeter, greetings);
    const listening = failure(server.listen(address));
    await server.close();
    expect((await listening).message).toContain(`closed before it listened on ${address}`);
    expect(Math.max(0, ...seen)).toBe(0);
    stop();
    if (name !== "memory") expect(await answers(address)).toBe(false);
    await using next = createServer({ transport }).add(Greeter, greetings);
    expect(await next.listen(address)).toBe(address);
  });

  test.each(["10.0.0.5:x", "10.0.0.5:abc", "host:99999", ""])(
    "advertise: %j is refused as it was given",
    async (given) => {
      await using server = createServer({ transport: wire(), registry: memoryRegistry() }).add(Greeter, greetings);
      const listening = server.listen(`127.0.0.1:${await freePort()}`, { advertise: given });
      await expect(listening).rejects.toThrow(`advertise "${given}" is no address`);
    },
  );

  test("advertise is checked where there is no registry too, and nothing is announced", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await using server = createServer({ transport: wire() }).add(Greeter, greetings);
    await expect(server.listen(address, { advertise: "10.0.0.5:x" })).rejects.toThrow('advertise "10.0.0.5:x"');
    expect(await server.listen(address, { advertise: "10.0.0.5:50051" })).toBe(address);
    await server.registered;
  });

  test("an address that cannot be announced leaves nothing listening, and another may be tried", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const registry = memoryRegistry();
    await using server = createServer({ transport: wire(), registry }).add(Greeter, greetings);
    await expect(server.listen(address, { advertise: "0.0.0.0" })).rejects.toThrow("nobody can connect to 0.0.0.0");
    await expect(server.listen(address, { advertise: "10.0.0.5:0" })).rejects.toThrow("nobody can connect to port 0");
    expect(server.address).toBeUndefined();
    if (name !== "memory") expect(await answers(address)).toBe(false);
    expect(await server.listen(address)).toBe(address);
    await server.registered;
  });
});

describe("a Unix socket", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "trunkline-"));
    path = join(folder, "greeter.sock");
  });

  afterEach(() => rm(folder, { recursive: true }));

  test("that a killed server left behind does not stand in the way of the next", async () => {
    const program = startProgram(join(import.meta.dirname, "on-a-socket.ts"), [path]);
    await program.printed(/listening/);
    program.child.kill("SIGKILL");
    await program.ended;
    await using server = createServer().add(Greeter, greetings);
    expect(await server.listen(`unix:${path}`)).toBe(`unix:${path}`);
    const other = createServer().add(Greeter, greetings);
    const error = await failure(other.listen(`unix:${path}`));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE });
    expect(error.message).toContain("the path is in use");
  });

  test("in a folder that is not there is refused by that name", async () => {
    const error = await failure(createServer().add(Greeter, greetings).listen(`unix:${folder}/no/such.sock`));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE });
    expect(error.message).toContain(`there is no folder ${folder}/no`);
  });

  test("on which somebody listens, though it is no server of ours, is left alone", async () => {
    const somebody = createSocketServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => somebody.listen(path, resolve));
    const error = await failure(createServer().add(Greeter, greetings).listen(`unix:${path}`));
    expect(error.message).toContain("the path is in use");
    await new Promise((resolve) => connect(path).once("connect", resolve));
    await new Promise((resolve) => somebody.close(resolve));
  });

  test("is never made room for by removing what is no socket", async () => {
    await writeFile(path, "mine");
    const error = await failure(createServer().add(Greeter, greetings).listen(`unix:${path}`));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE });
    expect(error.message).toContain("the path is in use");
  });
});

describe("an address that cannot be listened on is named, with what to do", () => {
  test.each([
    [
      "192.0.2.1:50051",
      /^cannot listen on 192\.0\.2\.1:50051: 192\.0\.2\.1 is no address of this machine \(EADDRNOTAVAIL\): give/,
    ],
    ["[2001:db8::1]:50051", /^cannot listen on \[2001:db8::1\]:50051: .* \((?:EADDRNOTAVAIL|EAFNOSUPPORT)\): give/],
    [
      "no-such-host.invalid:50051",
      /: there is no host no-such-host\.invalid \((?:ENOTFOUND|EAI_AGAIN)\): give a name or an IP/,
    ],
    [`unix:/tmp/${"a".repeat(200)}`, /: the path is too long/],
  ])("%s", async (address, text) => {
    const error = await failure(createServer().add(Greeter, greetings).listen(address));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    expect(error.message).toMatch(text);
  });

  test("a port that is taken", async () => {
    await using server = createServer().add(Greeter, greetings);
    const address = await server.listen("127.0.0.1:0");
    const error = await failure(createServer().add(Greeter, greetings).listen(address));
    const remedy = "stop the program that listens there, or give another; 0 takes a free one";
    expect(error.message).toBe(`cannot listen on ${address}: the port is in use (EADDRINUSE): ${remedy}`);
  });

  test.each(["::1:50051", "[::1]", "50051", ":50051", "localhost", "127.0.0.1:70000"])(
    "%s is no address",
    async (given) => {
      const listening = createServer().add(Greeter, greetings).listen(given);
      await expect(listening).rejects.toThrow(`"${given}" is no address: write host:port, with IPv6 in brackets`);
    },
  );

  test.each(["[::1]:0", "[::]:0", "0.0.0.0:0"])("%s is one", async (given) => {
    await using server = createServer().add(Greeter, greetings);
    expect(await server.listen(given)).toMatch(/:[1-9]\d*$/);
  });
});

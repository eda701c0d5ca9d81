import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChannel, createClient, createServer } from "trunkline";
import { afterAll, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { memoryRegistry } from "../../src/registry/memory.ts";
import { greetings } from "../support/greeter.ts";
import { watchService } from "../support/snapshots.ts";
import { wires } from "../support/wires.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-addresses-"));
afterAll(() => rmSync(folder, { recursive: true }));
const onLinux = process.platform === "linux";

describe.each(wires)("over %s", (name, wire) => {
  /** Listens at one address, and calls at what becomes of it. */
  async function hello(listenAt: string, dialled: (bound: string) => string): Promise<string> {
    const transport = wire();
    const server = createServer({ transport }).add(Greeter, greetings);
    const bound = await server.listen(listenAt);
    const channel = createChannel({ transport, endpoints: [dialled(bound)] });
    try {
      return (await createClient(Greeter, channel).sayHello({ name: "Ada" })).message;
    } finally {
      await channel.close();
      await server.close({ timeoutMs: 0 });
    }
  }

  test.each([
    ["dns:///127.0.0.1:0", (bound: string) => `dns:///${bound}`],
    ["127.0.0.1:0", (bound: string) => `dns:${bound}`],
    ["ipv4:127.0.0.1:0", (bound: string) => `ipv4:${bound}`],
    ["ipv6:[::1]:0", (bound: string) => `ipv6:${bound}`],
    ["ipv6:%5B::1%5D:0", (bound: string) => `ipv6:${encodeURIComponent(bound)}`],
    [`unix://${folder}/${name}.sock`, () => `unix:${folder}/${name}.sock`],
    [`unix:${folder}/${name}.sock`, () => `unix://${folder}/${name}.sock`],
  ])("a server listens at %s and is called", async (listenAt, dialled) => {
    expect(await hello(listenAt, dialled)).toBe("Hello Ada");
  });

  test.runIf(onLinux)("a server listens at an abstract socket, and at one that is in use it does not", async () => {
    const address = `unix-abstract:trunkline/${process.pid}/${name}`;
    expect(await hello(address, (bound) => bound)).toBe("Hello Ada");
    const transport = wire();
    const server = createServer({ transport }).add(Greeter, greetings);
    expect(await server.listen(address)).toBe(address);
    await expect(createServer({ transport }).add(Greeter, greetings).listen(address)).rejects.toThrow(
      `cannot listen on ${address}: the p`,
    );
    await server.close({ timeoutMs: 0 });
  });
});

test("endpoints that are listed in one address are several", async () => {
  await using one = createServer().add(Greeter, greetings);
  await using other = createServer().add(Greeter, greetings);
  const all = [await one.listen("127.0.0.1:0"), await other.listen("127.0.0.1:0")];
  await using channel = createChannel({ endpoints: [`ipv4:${all.join()}`] });
  const greeter = createClient(Greeter, channel);
  for (let i = 0; i < 4; i++) expect((await greeter.sayHello({ name: "Ada" })).message).toBe("Hello Ada");
  await one.close({ timeoutMs: 0 });
  expect((await greeter.sayHello({ name: "Bob" })).message).toBe("Hello Bob");
});

test.each([
  ["dns:///greeter.example:443", "greeter.example:443"],
  ["ipv6:%5B2001:db8::5%5D:443", "[2001:db8::5]:443"],
  ["unix:///run/greeter.sock", "unix:/run/greeter.sock"],
])("what is advertised as %s is announced as %s", async (advertise, announced) => {
  const registry = memoryRegistry();
  await using server = createServer({ registry, drain: { quietMs: 0 } }).add(Greeter, greetings);
  await server.listen("127.0.0.1:0", { advertise });
  expect(watchService(registry, Greeter.name).addresses).toEqual([announced]);
});

test("an address with another scheme is refused wherever one is given, with the schemes there are", async () => {
  const schemes = "or one of gRPC's schemes dns, ipv4, ipv6, unix and unix-abstract";
  expect(() => createChannel({ endpoints: ["xds:///greeter"] })).toThrow(schemes);
  await expect(createServer().add(Greeter, greetings).listen("xds:///greeter")).rejects.toThrow(schemes);
  await expect(createServer().add(Greeter, greetings).listen("ipv4:127.0.0.1:0,127.0.0.2:0")).rejects.toThrow(
    "it is several: give one",
  );
});

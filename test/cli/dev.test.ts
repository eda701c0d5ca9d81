import { once } from "node:events";
import { createServer } from "node:net";
import { registryFromUri } from "trunkline";
import { expect, test } from "vitest";
import { createComings } from "../../src/cli/comings.ts";
import { type EtcdClient, etcdClient } from "../devetcd/etcd-client.ts";
import { freePort } from "../support/free-port.ts";
import type { Program } from "../support/program.ts";
import { json, start, trunkline } from "./trunkline.ts";

interface Address {
  readonly address: string;
  readonly uri: string;
}

async function startDev(listen = "127.0.0.1:0"): Promise<Program & Address> {
  const program = start(["dev", "--listen", listen, "--json"]);
  return { ...program, ...(json(await program.printed(/\n/)) as Address) };
}

async function stop({ child, ended }: Program, signal: NodeJS.Signals = "SIGINT") {
  child.kill(signal);
  return ended;
}

test("says what it listens on and how to use it", async () => {
  const program = start(["dev", "--listen", "127.0.0.1:0"]);
  const printed = await program.printed(/Ctrl-C/);
  const uri = /listens: (etcd:\/\/127\.0\.0\.1:\d+)/.exec(printed)?.[1];
  expect(printed).toContain(`export TRUNKLINE_REGISTRY=${uri}`);
  expect(await stop(program)).toMatchObject({ code: 0, stderr: "" });
});

test("is a registry: what one process announces, another finds", async () => {
  const program = await startDev();
  const server = await registryFromUri(program.uri);
  await server.register({ services: ["a.B"], endpoint: { address: "10.0.0.1:50051" } }).registered;
  const { stdout } = await trunkline(["ls"], { registry: program.uri });
  expect(stdout).toBe("a.B\n  10.0.0.1:50051\n");
  await server.close();
  await stop(program);
});

test("says who comes and goes, a line each", async () => {
  const program = start(["dev", "--listen", "127.0.0.1:0"]);
  const uri = /listens: (\S+)/.exec(await program.printed(/comes and goes/))?.[1] ?? "";
  const registry = await registryFromUri(uri);
  const registration = registry.register({ services: ["a.B"], endpoint: { address: "10.0.0.1:50051" } });
  await program.printed(/^\+ a\.B {2}10\.0\.0\.1:50051$/m);
  await registration.close();
  await program.printed(/^- a\.B {2}10\.0\.0\.1:50051$/m);
  await registry.close();
  expect(await stop(program)).toMatchObject({ code: 0, stderr: "" });
});

test("of a crowd that comes at once it says how many more there were", async () => {
  const said: string[] = [];
  const { promise: counted, resolve } = Promise.withResolvers<void>();
  const comings = createComings((line) => {
    said.push(line);
    if (line.startsWith("  and")) resolve();
  });
  for (let i = 0; i < 500; i++) comings.tell(`a.B/10.0.0.1:${i}`, "came");
  comings.tell("no registration", "came");
  await counted;
  expect(said).toHaveLength(21);
  expect(said.at(-1)).toBe("  and 480 more came or went");
  comings.tell("a.B/unix:/run/a.sock", "went");
  expect(said.at(-1)).toBe("- a.B  unix:/run/a.sock");
  comings.stop();
});

test("tells a script where it listens, and stops when it is told to", async () => {
  const outcome = await trunkline(["dev", "--listen", "127.0.0.1:0", "--json"], { interrupt: () => true });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  const { address, uri } = json(outcome.stdout) as Address;
  expect(uri).toBe(`etcd://${address}`);
});

test("an address that is not this machine's is refused, with why", async () => {
  const { code, stderr } = await trunkline(["dev", "--listen", "192.0.2.1:2379"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^UNAVAILABLE: cannot listen on 192\.0\.2\.1:2379: 192\.0\.2\.1 is no address of this machine/,
  );
});

test.each(["SIGINT", "SIGTERM"] as const)("%s stops it at once, and its port can be taken again", async (signal) => {
  const first = await startDev();
  const client = await registryFromUri(first.uri);
  await client.services();
  expect(await stop(first, signal)).toMatchObject({ code: 0, stderr: "" });
  const second = await startDev(first.address);
  expect(second.address).toBe(first.address);
  await client.close();
  await stop(second);
});

test("a port that is taken is named, with what to do", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = `127.0.0.1:${(taken.address() as { port: number }).port}`;
  const { code, stdout, stderr } = await trunkline(["dev", "--listen", address]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain(`${address} is taken`);
  expect(stderr).toContain("--listen 127.0.0.1:0");
  taken.close();
});

function answers({ maintenance }: EtcdClient): Promise<boolean> {
  return maintenance.status({}).then(
    () => true,
    () => false,
  );
}

test("--quiet prints nothing", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const program = start(["dev", "--listen", address, "--quiet"]);
  const client = etcdClient(address);
  while (!(await answers(client))) await new Promise((resolve) => setTimeout(resolve, 25));
  await client.channel.close();
  expect(await stop(program)).toMatchObject({ code: 0, stdout: "", stderr: "" });
});

test("listening to the world is warned of", async () => {
  const program = start(["dev", "--listen", "0.0.0.0:0"]);
  await program.printed(/can read and write it/);
  await stop(program);
});

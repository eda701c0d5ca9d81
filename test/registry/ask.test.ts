import { expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { ask } from "../../src/registry/etcd/native/ask.ts";
import type { Host, Hosts } from "../../src/registry/etcd/native/hosts.ts";

/** Hosts that are asked in this order, and what is heard of them. */
function hostsNamed(...addresses: readonly string[]) {
  const heard: string[] = [];
  const hosts = {
    size: addresses.length,
    inOrder: () => addresses.map((address) => ({ address }) as Host),
    answered: ({ address }: Host) => heard.push(address),
  } as unknown as Hosts;
  return { hosts, heard };
}

const silence = () => new Promise<never>(() => {});
const failure = (code: Code, message: string) => Promise.reject(new RpcError(code, message));
const limits = { hedgeMs: 20, callTimeoutMs: 1_000 };

test("the first host that answers is enough", async () => {
  const { hosts, heard } = hostsNamed("a", "b", "c");
  const asked: string[] = [];
  const answer = await ask(hosts, async ({ address }) => asked.push(address) && address, limits);
  expect([answer, asked, heard]).toEqual(["a", ["a"], ["a"]]);
});

test("beside one that is silent the next is asked, and the silent one is told that it is over", async () => {
  const { hosts, heard } = hostsNamed("a", "b", "c");
  const signals = new Map<string, AbortSignal>();
  const startedAt = performance.now();
  const answer = await ask(
    hosts,
    ({ address }, { signal }) => {
      signals.set(address, signal);
      return address === "b" ? Promise.resolve(address) : silence();
    },
    limits,
  );
  expect(performance.now() - startedAt).toBeLessThan(limits.callTimeoutMs / 2);
  expect([answer, [...signals.keys()], heard]).toEqual(["b", ["a", "b"], ["b"]]);
  expect(signals.get("a")?.aborted).toBe(true);
});

test("after one that fails the next is asked at once", async () => {
  const { hosts } = hostsNamed("a", "b");
  const attempt = ({ address }: Host) =>
    address === "a" ? failure(Code.UNAVAILABLE, "refused") : Promise.resolve(address);
  expect(await ask(hosts, attempt, { hedgeMs: 60_000, callTimeoutMs: 60_000 })).toBe("b");
});

test("what etcd refuses no other host is asked", async () => {
  const { hosts, heard } = hostsNamed("a", "b");
  const asked: string[] = [];
  const attempt = ({ address }: Host) => {
    asked.push(address);
    return failure(Code.NOT_FOUND, "no such lease");
  };
  await expect(ask(hosts, attempt, limits)).rejects.toThrow("no such lease");
  expect([asked, heard]).toEqual([["a"], ["a"]]);
});

test("where all fail, the error is that of one who said something", async () => {
  const { hosts } = hostsNamed("a", "b");
  const attempt = ({ address }: Host) =>
    address === "a" ? failure(Code.UNAVAILABLE, "no leader") : failure(Code.DEADLINE_EXCEEDED, "too late");
  await expect(ask(hosts, attempt, limits)).rejects.toThrow("no leader");
});

test("where all are silent they are asked again, ever more slowly, and a late leader is found", async () => {
  const { hosts } = hostsNamed("a", "b");
  const asked: string[] = [];
  const attempt = ({ address }: Host) => {
    asked.push(address);
    return asked.length === 4 ? Promise.resolve(address) : silence();
  };
  expect(await ask(hosts, attempt, limits)).toBe("b");
  expect(asked).toEqual(["a", "b", "a", "b"]);
});

test("a lone host is asked once", async () => {
  const { hosts } = hostsNamed("a");
  let asked = 0;
  const attempt = () => {
    asked++;
    return new Promise<string>((resolve) => setTimeout(() => resolve("a"), 100));
  };
  expect(await ask(hosts, attempt, limits)).toBe("a");
  expect(asked).toBe(1);
});

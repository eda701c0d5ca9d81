import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { registryFromUri } from "../../src/registry/from-uri.ts";
import { watchService } from "../support/snapshots.ts";

test("static:// and plain addresses are a static list", async () => {
  for (const uri of ["static://10.0.0.1:1,[::1]:2", "10.0.0.1:1, [::1]:2"]) {
    expect(watchService(await registryFromUri(uri), "a.B").addresses).toEqual(["10.0.0.1:1", "[::1]:2"]);
  }
});

test("etcd:// and http:// are an etcd", async () => {
  for (const uri of ["etcd://127.0.0.1:1", "http://127.0.0.1:1"]) {
    const registry = await registryFromUri(uri);
    const snapshot = await watchService(registry, "a.B").until(() => true);
    expect(snapshot).toMatchObject({
      endpoints: [],
      state: "unknown",
      reason: expect.stringContaining("ECONNREFUSED"),
    });
    await registry.close();
  }
});

test.each(["", " ", "consul://a:1", "nonsense", "static://", "static://a", "://a:1", "etcd://a:x"])(
  "%j is refused by name",
  async (uri) => {
    await expect(registryFromUri(uri)).rejects.toThrow(TypeError);
    await expect(registryFromUri(uri)).rejects.toThrow(/"[^"]*" (names no|is no)/);
  },
);

test.each(["localhost", "etcd", "etcd:/127.0.0.1:2379", "$REGISTRY", "undefined"])(
  "%j, whose scheme is missing, is told of those there are",
  async (uri) => {
    await expect(registryFromUri(uri)).rejects.toThrow(
      `"${uri}" names no registry: write etcd://host:2379, etcds://host:2379 or static://host:port,host:port`,
    );
  },
);

test.each([
  "ectd://root:secret@10.0.0.1:2379",
  "ECTD://root:secret@10.0.0.1:2379",
  "root:secret@10.0.0.1:2379",
  "root:sec,ret@10.0.0.1:2379",
  "my-etcd://root:sec/ret@10.0.0.1:2379",
  "etcd://root:sec\nret@10.0.0.1:x",
  "root:sec\nret@10.0.0.1:2379",
  "ectd\n://root:secret@10.0.0.1:2379",
  "etcd://root:secret",
  "ectd://root:secret",
  "ETCD://10.0.0.1:2379/?user=root&password=secret",
  "etcd://root:%secret@10.0.0.1:2379",
])("%j is refused without the password in the message", async (uri) => {
  const error: Error = await registryFromUri(uri).then(
    () => new Error("it was taken"),
    (refused) => refused,
  );
  expect(error).toBeInstanceOf(TypeError);
  expect(`${error.stack} ${error.cause ?? ""}`).not.toMatch(/sec|ret@/);
  expect(error.message).not.toMatch(/\n/);
});

test("schemes are understood in any case", async () => {
  expect(watchService(await registryFromUri("STATIC://10.0.0.1:1"), "a.B").addresses).toEqual(["10.0.0.1:1"]);
  await (await registryFromUri("ETCD://root:secret@127.0.0.1:1")).close();
  await (await registryFromUri("etcd://root:sec/r?e#t@127.0.0.1:1")).close();
  await (await registryFromUri(" Http://127.0.0.1:1\n")).close();
});

test("who uses no etcd does not load its client", () => {
  const source = new URL("../../src/registry/from-uri.ts", import.meta.url);
  const script = `
    const { registryFromUri } = await import(${JSON.stringify(source.href)});
    await registryFromUri("10.0.0.1:1");
    const { createRequire } = await import("node:module");
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => /etcd3|grpc/.test(file));
    process.stdout.write(JSON.stringify(loaded));
  `;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual([]);
});

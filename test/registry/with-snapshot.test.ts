import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { memoryRegistry } from "../../src/registry/memory.ts";
import { writePrivate } from "../../src/registry/private-files.ts";
import type { Registry, Snapshot } from "../../src/registry/registry.ts";
import { withSnapshot } from "../../src/registry/with-snapshot.ts";
import { registryContract } from "../contract/registry.ts";
import { createLog } from "../support/log.ts";
import { watchService } from "../support/snapshots.ts";

let dir = "";
let wrapped: Registry;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trunkline-snapshot-"));
  wrapped = withSnapshot(memoryRegistry(), { dir });
});
afterEach(async () => {
  await wrapped.close();
  rmSync(dir, { recursive: true, force: true });
});

registryContract("memory, with snapshots on disk", () => wrapped);

test("however many there are, what they have to write before the process ends is one listener", async () => {
  const before = process.listenerCount("beforeExit");
  const many = Array.from({ length: 20 }, () => withSnapshot(memoryRegistry(), { dir }));
  for (const each of many) {
    each.register({ services: ["many.v1.Service"], endpoint: { address: "10.0.0.1:1000" } });
    each.resolve("many.v1.Service", () => {});
  }
  expect(process.listenerCount("beforeExit")).toBe(before + 1);
  await Promise.all(many.map((each) => each.close()));
  expect(process.listenerCount("beforeExit")).toBe(before);
});

/** A registry that says what it is told to. */
function scripted(): { registry: Registry; say: (snapshot: Snapshot) => void } {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const registry: Registry = {
    ...memoryRegistry(),
    resolve(_service, listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const say = (snapshot: Snapshot) => {
    for (const listener of listeners) listener(snapshot);
  };
  return { registry, say };
}

const endpoints = [{ address: "10.0.0.1:1000", metadata: { zone: "a" } }];
const away: Snapshot = { endpoints: [], state: "unknown", reason: "connection refused" };

async function saveOnce(service: string): Promise<void> {
  const { registry, say } = scripted();
  const first = withSnapshot(registry, { dir });
  first.resolve(service, () => {});
  say({ endpoints, state: "current" });
  await first.close();
}

test("a client that starts while the registry is away has what it said last, with its age", async () => {
  await saveOnce("a.B");
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir });
  const watched = watchService(it, "a.B");
  expect(watched.seen).toEqual([]);
  say(away);
  expect(watched.last).toEqual({
    endpoints,
    state: "stale",
    reason: expect.stringMatching(/^from disk, as it was at 20.*Z; the registry is away: connection refused$/),
  });
  say({ ...away, reason: "still refused" });
  expect(watched.seen.length).toBe(1);
  say({ endpoints: [], state: "current" });
  expect(watched.last).toEqual({ endpoints: [], state: "current" });
  await it.close();
});

test("an empty list is never kept, and a later one does not wipe what is kept", async () => {
  await saveOnce("a.B");
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir });
  it.resolve("a.B", () => {});
  say({ endpoints: [], state: "current" });
  say({ endpoints: [{ address: "10.0.0.9:1" }], state: "stale", reason: "away" });
  await it.close();
  expect(JSON.parse(readFileSync(join(dir, "a.B.json"), "utf8"))).toMatchObject({ service: "a.B", endpoints });
});

test("a service without a file, or with one that is too old, stays unknown", async () => {
  await saveOnce("a.B");
  const dayAndMinuteAgo = new Date(Date.now() - 86_460_000).toISOString();
  writeFileSync(join(dir, "a.Old.json"), JSON.stringify({ service: "a.Old", savedAt: dayAndMinuteAgo, endpoints }));
  const stateOf = async (service: string, maxAgeSeconds?: number) => {
    const { registry, say } = scripted();
    const it = withSnapshot(registry, { dir, maxAgeSeconds });
    const watched = watchService(it, service);
    say(away);
    await it.close();
    return watched.last?.state;
  };
  expect(await stateOf("a.Never")).toBe("unknown");
  expect(await stateOf("a.B")).toBe("stale");
  expect(await stateOf("a.Old")).toBe("unknown");
  expect(await stateOf("a.Old", 172_800)).toBe("stale");
});

test("a list that never changes does not grow old on disk", async () => {
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir, maxAgeSeconds: 4 });
  it.resolve("a.B", () => {});
  say({ endpoints, state: "current" });
  const savedAt = () => {
    try {
      return String(JSON.parse(readFileSync(join(dir, "a.B.json"), "utf8")).savedAt);
    } catch {
      return undefined;
    }
  };
  const first = await vi.waitUntil(savedAt, { timeout: 5_000 });
  await vi.waitUntil(() => savedAt() !== first, { timeout: 5_000 });
  await it.close();
});

test.each(["", "nonsense", "[]", "null", '{"service":"a.X"}', '{"service":"a.B","savedAt":"x","endpoints":[]}'])(
  "a file that holds %j is logged and passed over",
  async (text) => {
    writeFileSync(join(dir, "a.B.json"), text);
    const log = createLog();
    const { registry, say } = scripted();
    const it = withSnapshot(registry, { dir, logger: log });
    const watched = watchService(it, "a.B");
    say(away);
    expect(watched.seen).toEqual([away]);
    expect(log.of().map(({ fields }) => fields.file)).toEqual([join(dir, "a.B.json")]);
    await it.close();
  },
);

test("an endpoint of a file that cannot be read is left out and logged, and the others stand in", async () => {
  const bad = [{ address: "10.0.0.2" }, { address: "10.0.0.3:1", metadata: { zone: 7 } }, null, { metadata: {} }];
  const saved = { service: "a.B", savedAt: new Date(), endpoints: [bad[0], ...endpoints, ...bad.slice(1)] };
  writeFileSync(join(dir, "a.B.json"), JSON.stringify(saved));
  const log = createLog();
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir, logger: log });
  const watched = watchService(it, "a.B");
  say(away);
  expect(watched.last).toMatchObject({ endpoints, state: "stale" });
  const [line] = log.of("warn");
  expect(log.of("warn")).toHaveLength(1);
  expect(line?.fields).toMatchObject({ file: join(dir, "a.B.json"), leftOut: 4 });
  expect(line?.fields.problems).toEqual([
    expect.stringContaining('"10.0.0.2" is no address'),
    'metadata "zone" of 10.0.0.3:1 is number; give a string',
    "its address is missing",
    "its address is missing",
  ]);
  await it.close();
});

test("a name cannot leave the directory, and the files are the owner's alone", async () => {
  await saveOnce("../../evil");
  const files = readdirSync(dir);
  expect(files).toEqual(["..%2F..%2Fevil.json"]);
  expect(statSync(join(dir, files[0] ?? "")).mode & 0o777).toBe(0o600);
});

test("two writers never tear a file, and leave nothing beside it", async () => {
  const text = JSON.stringify({ service: "a.B", savedAt: new Date(), endpoints: [] });
  const file = join(dir, "a.B.json");
  let writing = true;
  const writers = Promise.all(
    Array.from({ length: 50 }, (_, i) => writePrivate(dir, file, text + " ".repeat(i * 100_000))),
  ).finally(() => {
    writing = false;
  });
  while (writing) {
    await new Promise((resolve) => setImmediate(resolve));
    if (existsSync(file)) expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ service: "a.B" });
  }
  await writers;
  expect(readdirSync(dir)).toEqual(["a.B.json"]);
});

/** What a client that starts while the registry is away says of the file, if it does not take it. */
async function refusal(service = "a.B"): Promise<unknown> {
  const log = createLog();
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir, logger: log });
  const watched = watchService(it, service);
  say(away);
  await it.close();
  expect(watched.last).toEqual(away);
  return log.of()[0]?.fields.reason;
}

test("a link in a file's place is not followed, neither read nor written", async () => {
  await saveOnce("a.B");
  const file = join(dir, "a.B.json");
  const elsewhere = join(dir, "elsewhere");
  renameSync(file, elsewhere);
  symlinkSync(elsewhere, file);
  expect(await refusal()).toMatch(/ELOOP/);
  const before = readFileSync(elsewhere, "utf8");
  await saveOnce("a.B");
  expect(readFileSync(elsewhere, "utf8")).toBe(before);
  expect(lstatSync(file).isSymbolicLink()).toBe(false);
});

test("a pipe in a file's place holds nobody up", async () => {
  execFileSync("mkfifo", [join(dir, "a.B.json")]);
  chmodSync(join(dir, "a.B.json"), 0o600);
  expect(await refusal()).toBe("it is no file");
});

test("a folder or a file that others may write is not trusted, and not written to", async () => {
  await saveOnce("a.B");
  chmodSync(join(dir, "a.B.json"), 0o666);
  expect(await refusal()).toMatch(/may be written by others \(mode 666\); chmod go-w it/);
  chmodSync(join(dir, "a.B.json"), 0o600);
  chmodSync(dir, 0o777);
  expect(await refusal()).toMatch(/may be written by others \(mode 777\)/);
  const log = createLog();
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir, logger: log });
  it.resolve("a.New", () => {});
  say({ endpoints, state: "current" });
  await it.close();
  expect(log.of()[0]?.fields.reason).toMatch(/may be written by others/);
  expect(readdirSync(dir)).toEqual(["a.B.json"]);
});

test.runIf(process.getuid?.() === 0)("a folder or a file that another user made is not trusted", async () => {
  await saveOnce("a.B");
  chownSync(join(dir, "a.B.json"), 12345, 12345);
  expect(await refusal()).toMatch(/belongs to user 12345/);
  chownSync(join(dir, "a.B.json"), 0, 0);
  chownSync(dir, 12345, 12345);
  expect(await refusal()).toMatch(/belongs to user 12345/);
});

test("a date in the future is not believed, but for what two clocks may differ", async () => {
  await saveOnce("a.B");
  const file = join(dir, "a.B.json");
  const savedIn = (ms: number) =>
    writeFileSync(file, JSON.stringify({ service: "a.B", savedAt: new Date(Date.now() + ms), endpoints }));
  savedIn(360_000);
  expect(await refusal()).toMatch(/it says that it was saved at 2/);
  savedIn(240_000);
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir });
  const watched = watchService(it, "a.B");
  say(away);
  expect(watched.last).toMatchObject({ state: "stale", endpoints });
  await it.close();
});

test("a directory that cannot be written to is logged once, and calls go on", async () => {
  writeFileSync(join(dir, "file"), "");
  const log = createLog();
  const { registry, say } = scripted();
  const it = withSnapshot(registry, { dir: join(dir, "file"), logger: log });
  const watched = watchService(it, "a.B");
  it.resolve("a.C", () => {});
  say({ endpoints, state: "current" });
  expect(watched.last?.endpoints).toEqual(endpoints);
  await it.close();
  expect(log.of().map(({ message }) => message)).toEqual(["cannot save what the registry says"]);
});

test("what a process that was killed has left unfinished is swept once it is old, and nothing else is", async () => {
  const left = (name: string, ageSeconds: number) => {
    writeFileSync(join(dir, name), "{");
    const at = Date.now() / 1_000 - ageSeconds;
    utimesSync(join(dir, name), at, at);
  };
  const id = "0b0f9d4e-7f0e-4c7b-9d2b-0a4f5a1c9e11";
  left(`a.B.json.${id}.part`, 4_000);
  left(`a.C.json.${id}.part`, 60);
  left("mine.part", 4_000);
  left("a.D.json", 4_000);
  await saveOnce("a.B");
  expect(readdirSync(dir).sort()).toEqual(["a.B.json", `a.C.json.${id}.part`, "a.D.json", "mine.part"]);
});

test.each([-1, Number.NaN, "60" as never])("an age of %s is refused", (maxAgeSeconds) => {
  expect(() => withSnapshot(memoryRegistry(), { dir, maxAgeSeconds })).toThrow(
    /^maxAgeSeconds is .*: give a number from 0/,
  );
});

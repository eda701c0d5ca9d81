import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { memoryRegistry } from "../../src/registry/memory.ts";
import type { Registry, Snapshot } from "../../src/registry/registry.ts";
import { withSnapshot } from "../../src/registry/with-snapshot.ts";
import { registryContract } from "../contract/registry.ts";
import { createLog } from "../support/log.ts";
import { watchService } from "../support/snapshots.ts";

let dir = "";
let wrapped = withSnapshot(memoryRegistry(), { dir });
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trunkline-snapshot-"));
  wrapped = withSnapshot(memoryRegistry(), { dir });
});
afterEach(async () => {
  await wrapped.close();
  rmSync(dir, { recursive: true, force: true });
});

registryContract("memory, with snapshots on disk", () => wrapped);

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

test("a name cannot leave the directory, and the files are the owner's alone", async () => {
  await saveOnce("../../evil");
  const files = readdirSync(dir);
  expect(files).toEqual(["..%2F..%2Fevil.json"]);
  expect(statSync(join(dir, files[0] ?? "")).mode & 0o777).toBe(0o600);
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

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface DemoRegistry {
  readonly uri: string;
  readonly what: string;
  stop(): Promise<void>;
}

/** The registry that the environment names, else an etcd on PATH, else the embedded one. */
export async function demoRegistry(): Promise<DemoRegistry> {
  const named = process.env.TRUNKLINE_REGISTRY;
  if (named) return { uri: named, what: `${named}, from TRUNKLINE_REGISTRY`, stop: async () => {} };
  const version = spawnSync("etcd", ["--version"], { encoding: "utf8" });
  if (version.status === 0) return realEtcd(version.stdout.split("\n")[0] ?? "etcd");
  const { createDevEtcd } = await import("trunkline/devetcd");
  const embedded = createDevEtcd();
  const uri = `etcd://${await embedded.listen("127.0.0.1:0")}`;
  return { uri, what: "the embedded one (no etcd on PATH)", stop: () => embedded.close() };
}

async function realEtcd(version: string): Promise<DemoRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-demo-"));
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer];
  const options = ["--data-dir", folder, "--log-level", "error", "--initial-advertise-peer-urls", peer];
  const etcd = spawn("etcd", [...urls, ...options, "--initial-cluster", `default=${peer}`], {
    stdio: "ignore",
    detached: true, // Ctrl-C must reach the servers first; the demo ends etcd itself.
  });
  return {
    uri: client.replace("http:", "etcd:"),
    what: `an etcd started for the demo (${version})`,
    async stop() {
      if (etcd.exitCode === null) {
        const exited = once(etcd, "exit");
        etcd.kill("SIGTERM");
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientTls } from "../../src/core/transport.ts";
import { authority } from "./certs.ts";
import { createGuard } from "./guard.ts";

/** One member of a real etcd. */
export interface EtcdNode {
  /** `http://127.0.0.1:port`, the same after every restart. */
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Freezes it: it keeps its connections and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on its ports, with its data or without. Resolves when it answers. */
  start(options?: { readonly wipe?: boolean }): Promise<void>;
}

export interface TestEtcd {
  readonly nodes: readonly EtcdNode[];
  /** The nodes' URLs. */
  readonly urls: readonly string[];
  /** Runs etcdctl against the first node and gives what it prints. */
  ctl(...args: readonly string[]): string;
  stop(): Promise<void>;
}

export interface TestEtcdOptions {
  /** 1 by default. */
  readonly nodes?: number;
  /** More of etcd's own flags: `["--auth-token-ttl", "2"]`. */
  readonly args?: readonly string[];
  /** Serves TLS, with the certificates that `args` name. This is what to show it when it is asked whether it is well. */
  readonly tls?: ClientTls;
}

/** Whether there is an etcd on PATH; `test/support/install-etcd.ts` has tried to bring one. */
export const hasEtcd: boolean = (() => {
  try {
    execFileSync("etcd", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** Starts a real etcd on free ports of the loopback, with its data in a temporary directory. */
export async function startEtcd({ nodes: count = 1, args = [], tls }: TestEtcdOptions = {}): Promise<TestEtcd> {
  // Somebody else may take a free port before etcd does.
  for (let attempts = 3; ; attempts--) {
    const ports = await freePorts(count * 2);
    const nodes = Array.from({ length: count }, (_, i) => createNode(i, ports, args, tls));
    try {
      await Promise.all(nodes.map((node) => node.start()));
      return testEtcd(nodes);
    } catch (error) {
      await Promise.all(nodes.map((node) => node.remove()));
      if (attempts === 1) throw error;
    }
  }
}

function testEtcd(nodes: readonly (EtcdNode & { remove(): Promise<void> })[]): TestEtcd {
  const urls = nodes.map(({ url }) => url);
  return {
    nodes,
    urls,
    ctl: (...args) =>
      execFileSync("etcdctl", ["--endpoints", urls[0] ?? "", ...args], {
        encoding: "utf8",
        env: { ...process.env, ETCDCTL_API: "3" },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    async stop() {
      await Promise.all(nodes.map((node) => node.remove()));
    },
  };
}

function createNode(index: number, ports: readonly number[], args: readonly string[], tls: ClientTls | undefined) {
  const count = ports.length / 2;
  const port = ports[index] ?? 0;
  const peer = (i: number) => `http://127.0.0.1:${ports[count + i]}`;
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const data = mkdtempSync(join(tmpdir(), "trunkline-etcd-"));
  const flags = [
    ...["--name", `node${index}`, "--data-dir", join(data, "data"), "--log-level", "error"],
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peer(index), "--initial-advertise-peer-urls", peer(index)],
    ...["--initial-cluster", Array.from({ length: count }, (_, i) => `node${i}=${peer(i)}`).join(",")],
    // Not synced to disk: a test needs no data after a power cut. Old releases know it as well.
    ...["--unsafe-no-fsync", ...args],
  ];
  const guard = createGuard(data);
  let child: ChildProcess | undefined;

  const kill = async () => {
    const dying = child;
    child = undefined;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return;
    const exited = once(dying, "exit");
    dying.kill("SIGKILL");
    await exited;
    guard.watch(undefined);
  };

  return {
    url,
    port,
    kill,
    freeze: () => child?.kill("SIGSTOP"),
    thaw: () => child?.kill("SIGCONT"),
    async start({ wipe = false } = {}) {
      await kill();
      if (wipe) rmSync(join(data, "data"), { recursive: true, force: true });
      const started = spawn("etcd", flags, { stdio: ["ignore", "ignore", "pipe"] });
      child = started;
      guard.watch(started.pid);
      started.once("exit", () => child === started && guard.watch(undefined));
      await untilHealthy(started, url, tls);
    },
    async remove() {
      await kill();
      rmSync(data, { recursive: true, force: true });
      guard.end();
    },
  } satisfies EtcdNode & { remove(): Promise<void> };
}

async function untilHealthy(child: ChildProcess, url: string, tls: ClientTls | undefined): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`etcd ended at its start: ${said}`);
    if (performance.now() > giveUpAt) throw new Error(`etcd at ${url} is not healthy after 30 s: ${said}`);
    if (await isHealthy(url, tls)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function isHealthy(url: string, tls: ClientTls | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const heard = (answer: IncomingMessage) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      answer.on("end", () => resolve(answer.statusCode === 200 && body.includes("true")));
    };
    const options = { timeout: 1_000, agent: false } as const;
    const request =
      tls === undefined
        ? http.get(`${url}/health`, options, heard)
        : https.get(`${url}/health`, { ...options, ca: authority, cert: pem(tls.cert), key: pem(tls.key) }, heard);
    request.on("timeout", () => request.destroy());
    // It does not listen yet.
    request.on("error", () => resolve(false));
  });
}

function pem(text: string | Uint8Array | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

/** Ports that nobody listens on now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

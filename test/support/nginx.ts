import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { createGuard } from "./guard.ts";
import { works } from "./install-program.ts";

/** Whether there is an nginx on PATH; `test/support/install-nginx.ts` has tried to bring one. */
export const hasNginx: boolean = works(["nginx", "-v"]);

export interface Nginx {
  /** `127.0.0.1:port` */
  readonly address: string;
  stop(): Promise<void>;
}

export interface NginxOptions {
  /** The calls that it takes on a connection; nginx's own default, 1,000, where it is not given. */
  readonly keepaliveRequests?: number;
}

/** Starts a real nginx that passes gRPC on to `upstream`, otherwise as it is by default. */
export async function startNginx(upstream: string, { keepaliveRequests }: NginxOptions = {}): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-nginx-"));
  const guard = createGuard(folder);
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configuration(folder, port, upstream, keepaliveRequests));
  const child = spawn("nginx", ["-p", folder, "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  guard.watch(child.pid);
  await untilListening(child, port);
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
      guard.end();
    },
  };
}

function configuration(folder: string, port: number, upstream: string, requests: number | undefined): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log stderr error;
    events { worker_connections 1024; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
      upstream server { server ${upstream}; keepalive 32; keepalive_requests 1000000; }
      server {
        listen 127.0.0.1:${port} http2;
        ${requests === undefined ? "" : `keepalive_requests ${requests};`}
        location / { grpc_pass grpc://server; }
      }
    }`;
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const giveUpAt = performance.now() + 10_000;
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended at its start: ${said}`);
    if (performance.now() > giveUpAt) throw new Error(`nginx does not listen after 10 s: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

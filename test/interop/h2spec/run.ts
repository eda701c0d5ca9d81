// Runs h2spec in strict mode against our server, in plaintext and over TLS: `node --conditions=@trunkline/source
// test/interop/h2spec/run.ts`. Needs Go, which builds h2spec into a temporary folder; arguments go to h2spec.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "../../../src/core/code.ts";
import { parseAddress } from "../../../src/core/endpoint.ts";
import { RpcError } from "../../../src/core/rpc-error.ts";
import type { ListenOptions } from "../../../src/core/transport.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { serverTls } from "../../support/certs.ts";

// h2spec takes 16 KiB for the largest frame, whatever the server announces: its headers that are to be larger than a
// frame are 5 times this long, and ours may have 128 KiB.
const longerThanOurFrames = ["--max-header-length", "30000"];

async function run(h2spec: string, listen: ListenOptions, flags: readonly string[]): Promise<boolean> {
  const acceptor = {
    method: () => undefined,
    unknown: (path: string) => new RpcError(Code.UNIMPLEMENTED, `there is no ${path}`),
    handle: () => Promise.reject(new RpcError(Code.UNIMPLEMENTED, "nothing is implemented")),
  };
  const listener = await http2().listen("127.0.0.1:0", acceptor, listen);
  const { host, port } = parseAddress(listener.address);
  const args = ["--strict", "-o", "5", "-h", host, "-p", String(port), ...longerThanOurFrames, ...flags];
  const child = spawn(h2spec, [...args, ...process.argv.slice(2)], { stdio: "inherit" });
  const [status] = await once(child, "exit");
  await listener.close();
  return status === 0;
}

const folder = mkdtempSync(join(tmpdir(), "h2spec-"));
try {
  const environment = { ...process.env, GOBIN: folder, GOFLAGS: "-mod=mod" };
  execFileSync("go", ["install", "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"], {
    env: environment,
    cwd: folder,
  });
  const h2spec = join(folder, "h2spec");
  const plaintext = await run(h2spec, {}, []);
  const tls = await run(h2spec, { tls: serverTls }, ["-t", "-k"]);
  process.exitCode = plaintext && tls ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { repository } from "../support/program.ts";
import { BUILD_MS, run } from "./processes.ts";

/** A suite cannot be run here. */
export class Missing extends Error {}

/** What is installed and built stays here, outside of the repository. */
export const cache: string = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "trunkline-interop");
const peers = join(import.meta.dirname, "peers");
const bin = join(cache, "bin");

const said = (text: string): void => void process.stderr.write(`  ${text}\n`);

/** Does something once in this run, however many suites ask for it. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function needs(command: string, ...args: readonly string[]): Promise<void> {
  try {
    await run(command, args);
  } catch {
    throw new Missing(`${command} is not installed`);
  }
}

const go = once(() => needs("go", "version"));

/** Installs a Go program of a fixed version; gives its path. */
export async function goTool(path: string, version: string): Promise<string> {
  const folder = join(bin, `${path.replaceAll("/", "_")}@${version}`);
  const program = join(folder, path.slice(path.lastIndexOf("/") + 1));
  if (existsSync(program)) return program;
  await go();
  said(`go install ${path}@${version}`);
  await run("go", ["install", `${path}@${version}`], {
    env: { GOBIN: folder, GOFLAGS: "" },
    timeoutMs: BUILD_MS,
  });
  return program;
}

/** The versions that peers/go/go.mod asks for. */
export function goVersion(module: string): string {
  const line = readFileSync(join(peers, "go/go.mod"), "utf8")
    .split("\n")
    .find((each) => each.trim().startsWith(`${module} v`));
  return line?.trim().split(" ")[1]?.slice(1) ?? "?";
}

/** Generates the greeter for Go and builds the peers in Go. Gives the folder of their programs. */
export const goPeers: () => Promise<string> = once(async () => {
  const messages = await goTool("google.golang.org/protobuf/cmd/protoc-gen-go", "v1.36.11");
  const services = await goTool("google.golang.org/grpc/cmd/protoc-gen-go-grpc", "v1.6.2");
  await go();
  const module = join(cache, "go");
  cpSync(join(peers, "go"), module, { recursive: true });
  const prefix = "trunkline-interop/gen";
  const to = { out: join(module, "gen"), opt: [`module=${prefix}`] };
  const template = {
    version: "v2",
    managed: { enabled: true, override: [{ file_option: "go_package_prefix", value: prefix }] },
    plugins: [
      { local: messages, ...to },
      { local: services, ...to },
    ],
  };
  await run("buf", [
    "generate",
    "--template",
    JSON.stringify(template),
    "--path",
    "proto/greeter",
    "--include-imports",
  ]);
  said("go build: grpc-go, etcd, go-zero, kratos");
  await run("go", ["build", "-o", `${bin}/`, "./cmd/..."], {
    cwd: module,
    env: { GOFLAGS: "-mod=mod" },
    timeoutMs: BUILD_MS,
  });
  return bin;
});

/** The packages of peers/python in a virtual environment, with the greeter generated. Gives the interpreter. */
export const python: () => Promise<string> = once(async () => {
  const folder = join(cache, "python");
  const interpreter = join(folder, "bin/python");
  const requirements = join(peers, "python/requirements.txt");
  const stamp = join(folder, "installed.txt");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== readFileSync(requirements, "utf8")) {
    await needs("python3", "-c", "import venv, ensurepip");
    said("pip install grpcio");
    await run("python3", ["-m", "venv", folder]);
    await run(interpreter, ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements], {
      timeoutMs: BUILD_MS,
    });
    writeFileSync(stamp, readFileSync(requirements));
  }
  const gen = join(folder, "gen");
  mkdirSync(gen, { recursive: true });
  const protos = ["greeter/v1/greeter.proto", "trunkline/v1/options.proto"];
  const out = ["-I", "proto", `--python_out=${gen}`, `--grpc_python_out=${gen}`];
  await run(interpreter, ["-m", "grpc_tools.protoc", ...out, ...protos], { cwd: repository });
  return interpreter;
});

/** What Python needs in its environment to find the generated greeter. */
export const pythonPath: string = join(cache, "python/gen");
export const peerProgram = (path: string): string => join(peers, path);
export const pythonVersion = (name: string): string =>
  new RegExp(`^${name}==(.*)$`, "m").exec(readFileSync(peerProgram("python/requirements.txt"), "utf8"))?.[1] ?? "?";

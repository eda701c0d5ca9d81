import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/program.ts";
import { BUILD_MS, run } from "./processes.ts";
import { cache, Missing, peerProgram } from "./toolchain.ts";

export const javaVersion: string =
  /<grpc\.version>(.*)<\/grpc\.version>/.exec(readFileSync(peerProgram("java/pom.xml"), "utf8"))?.[1] ?? "?";

let built: Promise<string> | undefined;

/** Builds the greeter of peers/java by Maven, outside of the repository. Gives its class path. */
export function javaPeer(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  for (const command of ["mvn", "javac"]) {
    await run(command, ["--version"]).catch(() => {
      throw new Missing(`${command} is not installed`);
    });
  }
  const module = join(cache, "java");
  cpSync(peerProgram("java"), module, { recursive: true });
  process.stderr.write("  mvn compile: grpc-java\n");
  await run("mvn", ["-q", "-B", `-Dprotos=${join(repository, "proto")}`, "process-classes"], {
    cwd: module,
    timeoutMs: BUILD_MS,
  });
  return `${join(module, "target/classes")}:${join(module, "target/dependency")}/*`;
}

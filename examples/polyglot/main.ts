// One fleet of greeters in three languages, in one etcd, called by each of the three.
import { join } from "node:path";
import { start, stopAll } from "../../test/interop/processes.ts";
import { goPeers, peerProgram, python, pythonPath } from "../../test/interop/toolchain.ts";
import { demoRegistry } from "../demo/registry.ts";
import { callAll, serve } from "./trunkline.ts";

process.env.PATH = `${join(import.meta.dirname, "../../node_modules/.bin")}:${process.env.PATH}`;
const registry = await demoRegistry();
const env = { ETCD: registry.uri.replace("etcd:", "http:"), PYTHONPATH: pythonPath };
const leave = async (code: number) => {
  await stopAll();
  await registry.stop();
  process.exit(code);
};
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void leave(130));
const tooLong = setTimeout(() => {
  console.error("The demo did not end within 5 minutes.");
  void leave(1);
}, 300_000);

/** What a language needs, or why it stays out. */
const ready = <T>(language: string, make: () => Promise<T>): Promise<T | undefined> =>
  make().catch((error: Error) => void console.log(`${language} stays out: ${error.message.split("\n")[0]}`));

console.log(`Registry: ${registry.what}`);
const go = await ready("Go", goPeers);
const interpreter = await ready("Python", python);
const languages: Record<string, (role: "server" | "calls") => ReturnType<typeof start>> = {
  ...(go && { go: (role) => start(join(go, "stock"), [role], { env: { ...env, NAME: "go" } }) }),
  ...(interpreter && {
    python: (role) => start(interpreter, [peerProgram(`python/${role}.py`)], { env: { ...env, NAME: "python" } }),
  }),
};

const server = await serve(registry.uri);
for (const language of Object.keys(languages)) await languages[language]?.("server").printed(/listening on/);
const names = ["trunkline", ...Object.keys(languages)];
console.log(`Serving: ${names.join(", ")}\n`);

let complete = true;
function show(caller: string, servedBy: readonly string[]): void {
  const counts = names.map((name) => `${name} ${servedBy.filter((each) => each === name).length}`);
  console.log(`${caller.padEnd(10)} calls and is answered by: ${counts.join(", ")}`);
  complete &&= names.every((name) => servedBy.includes(name));
}

show("trunkline", await callAll(registry.uri, names));
for (const [language, run] of Object.entries(languages)) {
  const calls = run("calls");
  await calls.printed(/(?:served by \S+\s+){60}/).catch(() => {});
  await calls.stop();
  show(
    language,
    [...calls.output.matchAll(/^served by (.*)$/gm)].map((match) => match[1] ?? ""),
  );
}
await server.close();
clearTimeout(tooLong);
await leave(complete && names.length === 3 ? 0 : 1);

import { join } from "node:path";
import { startNode } from "../processes.ts";
import type { Suite } from "../row.ts";
import { goTool } from "../toolchain.ts";

export const h2spec: Suite = {
  name: "h2spec",
  what: "h2spec in strict mode against our HTTP/2, in plaintext and over TLS",
  async *run() {
    // The program installs h2spec itself; this says first whether Go is there, and at which version h2spec stands.
    await goTool("github.com/summerwind/h2spec/cmd/h2spec", "v2.2.1+incompatible");
    const program = startNode(join(import.meta.dirname, "../h2spec/run.ts"));
    const code = await program.ended;
    const found = [...program.output.matchAll(/(\d+) passed, (\d+) skipped, (\d+) failed/g)];
    const sum = (group: number) => found.reduce((total, match) => total + Number(match[group]), 0);
    const failed = code === 0 && found.length === 2 ? 0 : Math.max(1, sum(3));
    yield {
      ...{ suite: "h2spec", peer: "h2spec", version: "2.2.1", direction: "h2spec calls Trunkline", transport: "http2" },
      ...{ passed: sum(1), failed, skipped: sum(2) },
      failures: failed === 0 ? [] : [program.output.slice(-1_000)],
    };
  },
};

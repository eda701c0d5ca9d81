import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

interface Cost {
  readonly content: string;
  readonly becomes: string;
  readonly mib: number;
}

const root = join(import.meta.dirname, "../../..");
const page = readFileSync(join(root, "docs/transport.md"), "utf8");
const rows = [...page.matchAll(/^\| (.+) \| (decoded|refused) \| (\d+) \| \d+ \|$/gm)].map(
  ([, content = "", becomes = "", mib]): Cost => ({ content, becomes, mib: Number(mib) }),
);
let costs: readonly Cost[];

describe("what one message can cost is what docs/transport.md says", () => {
  beforeAll(() => {
    const program = join(import.meta.dirname, "what-one-costs.ts");
    const args = ["--expose-gc", "--conditions=@trunkline/source", program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    expect(stderr).toBe("");
    costs = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }, 300_000);

  test("each kind of content has its row", () => {
    expect(rows.map(({ content }) => content)).toEqual(costs.map(({ content }) => content));
  });

  test.each(rows)("4 MiB of $content are $becomes, and take at most $mib MiB", ({ content, becomes, mib }) => {
    const cost = costs.find((each) => each.content === content);
    expect(cost?.becomes).toBe(becomes);
    expect(cost?.mib).toBeLessThanOrEqual(mib);
  });
});

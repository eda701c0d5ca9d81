import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));

function bench(...args: string[]): Promise<{ code: number | null; out: string; said: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let said = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, said })));
}

test("the benchmark measures contenders in processes of their own and writes table and JSON", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "bench-")), "figures.json");
  const only = ["--only", "trunkline,grpc-js", "--shape", "unary", "--plain"];
  const brief = ["--rounds", "1", "--round-ms", "20", "--warmup-ms", "20", "--json", file];
  const { code, out, said } = await bench(...only, ...brief);
  expect(said).not.toMatch(/failed/);
  expect(code).toBe(0);
  expect(out).toMatch(/unary, 16 in flight\ntrunkline +[\d,]+ +[\d.]+x/);
  const { meta, rows } = JSON.parse(readFileSync(file, "utf8"));
  expect(meta).toMatchObject({ node: expect.any(String), versions: { "@grpc/grpc-js": expect.any(String) } });
  expect(rows.map((row: any) => `${row.contender} ${row.inFlight}`)).toEqual([
    "trunkline 1",
    "grpc-js 1",
    "trunkline 16",
    "grpc-js 16",
    "trunkline 128",
    "grpc-js 128",
  ]);
  for (const row of rows) {
    expect(row).toEqual({
      contender: expect.any(String),
      shape: "unary",
      inFlight: expect.any(Number),
      tls: false,
      callsPerSecond: expect.any(Number),
      p50Us: expect.any(Number),
      p99Us: expect.any(Number),
      serverCpuUs: expect.any(Number),
      clientCpuUs: expect.any(Number),
    });
    expect(row.callsPerSecond).toBeGreaterThan(0);
  }
});

test("a contender nobody knows is named, and those there are", async () => {
  const { code, said } = await bench("--only", "trunkline,nobody");
  expect(said).toMatch(/--only: "nobody" is none of trunkline, trunkline-bare, grpc-js/);
  expect(code).toBe(2);
});

test("a number that is none is refused, and --help tells the options", async () => {
  expect((await bench("--rounds", "many")).said).toMatch(/--rounds: "many" is no whole number/);
  expect((await bench("--help")).out).toMatch(/--quick/);
});

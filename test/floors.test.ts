import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const src = resolve(import.meta.dirname, "../src");

/** The floors of the house, from the ground up. A room may import from its own folder and from floors below. */
const floors: readonly (readonly string[])[] = [
  ["core"],
  ["balance", "breaker", "retry", "limit", "transport", "observe", "json"],
  // A registry is asked over a transport, as any server is.
  ["registry"],
  ["client", "server"],
  // Around the call: each is a subpath export, and none knows another.
  ["auth", "admin"],
  ["codegen", "devetcd", "cli", "testing", "index.ts"],
];

/** The first floor whose rooms may know each other. */
const assemblies = floors.findIndex((rooms) => rooms.includes("client"));

/** Each npm package has one home. */
const homes: Readonly<Record<string, readonly string[]>> = {
  "@grpc/grpc-js": ["transport/grpc-js"],
  "@grpc/proto-loader/build/src/util.js": ["cli"],
  etcd3: ["registry/etcd/etcd3"],
  opossum: ["breaker"],
  pino: ["observe"],
  "@opentelemetry/api": ["observe"],
  jose: ["auth"],
  "@bufbuild/protobuf": ["codegen", "cli", "json", "server/reflection.ts"],
  "@bufbuild/protobuf/wkt": ["codegen", "cli", "json", "server/reflection.ts"],
  "@bufbuild/protobuf/codegenv2": ["codegen", "cli"],
  "@bufbuild/protobuf/wire": ["transport/codec", "codegen"],
};

interface Import {
  readonly from: string;
  readonly specifier: string;
}

const imports: readonly Import[] = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .flatMap((from) => {
    const text = readFileSync(join(src, from), "utf8");
    const found = text.matchAll(/(?:^(?:import|export)\b[^;]*?from\s*|\bimport\(\s*|^import\s+)"([^"]+)"/gms);
    return [...found].map((match) => ({ from, specifier: match[1] as string }));
  });

const roomOf = (file: string): string => file.split("/")[0] as string;
const floorOf = (file: string): number => floors.findIndex((rooms) => rooms.includes(roomOf(file)));

test("there is something to check", () => {
  expect(imports.length).toBeGreaterThan(100);
});

test("every room stands on a floor", () => {
  expect([...new Set(imports.map(({ from }) => roomOf(from)))].filter((room) => floorOf(room) < 0)).toEqual([]);
});

test("imports point downward only", () => {
  const upward = imports.filter(({ from, specifier }) => {
    if (!specifier.startsWith(".")) return false;
    const target = relative(src, resolve(src, dirname(from), specifier));
    if (target.startsWith("../gen/")) return roomOf(from) === "core";
    if (roomOf(target) === roomOf(from)) return false;
    // What a registry is: a type that stands on no floor.
    if (target === "registry/registry.ts") return roomOf(from) === "core";
    return floorOf(target) > floorOf(from) || (floorOf(target) === floorOf(from) && floorOf(from) < assemblies);
  });
  expect(upward).toEqual([]);
});

test("each npm package has one home", () => {
  const strays = imports.filter(({ from, specifier }) => {
    if (specifier.startsWith(".") || specifier.startsWith("node:")) return false;
    return !(homes[specifier] ?? []).some((home) => from.startsWith(home));
  });
  expect(strays).toEqual([]);
});

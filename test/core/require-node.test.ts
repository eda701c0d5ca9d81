import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { requireNode } from "../../src/core/require-node.ts";
import { repository } from "../support/program.ts";

test("the oldest Node is the one that package.json names", () => {
  const { engines } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(engines.node) ?? [];
  expect(() => requireNode(`${major}.${minor}.0`)).not.toThrow();
  expect(() => requireNode(`${major}.${Number(minor) - 1}.9`)).toThrow(
    `trunkline needs Node ${major}.${minor} or later; this is Node ${major}.${Number(minor) - 1}.9`,
  );
});

test.each(["20.20.2", "22.9.0", "18.0.0"])("Node %s is too old", (version) => {
  expect(() => requireNode(version)).toThrow(`this is Node ${version}`);
});

test.each(["22.18.0", "22.20.1", "24.0.0", "26.10.0", "100.0.0-nightly"])("Node %s will do", (version) => {
  expect(() => requireNode(version)).not.toThrow();
});

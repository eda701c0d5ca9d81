import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../support/program.ts";

const docs = join(repository, "docs");

/** What is a name with a unit, or of a bound: no other words of the pages look so. */
const optionLike = /^(?:[a-z]\w*(?:Ms|Bytes|Seconds|PerSecond)|(?:max|min)[A-Z]\w*)$/;

test.each(readdirSync(docs).filter((name) => name.endsWith(".md")))("what docs/%s calls an option is one", (page) => {
  const named = [...readFileSync(join(docs, page), "utf8").matchAll(/`\.?(?:\w+\.)*(\w+)`/g)].map(
    ([, name = ""]) => name,
  );
  const unknown = [...new Set(named)].filter((name) => optionLike.test(name) && !declared.has(name));
  expect(unknown).toEqual([]);
});

/** Every property that an interface of the sources declares. */
const declared: ReadonlySet<string> = new Set(
  readdirSync(join(repository, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [
      ...readFileSync(join(repository, "src", name), "utf8").matchAll(/^\s+(?:readonly |get )?(\w+)\??[:(]/gm),
    ])
    .map(([, name = ""]) => name),
);

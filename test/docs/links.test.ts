import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { readPage } from "../support/page.ts";
import { repository, run } from "../support/program.ts";

interface Link {
  readonly page: string;
  /** A path from the repository's root. */
  readonly target: string;
  readonly anchor: string | undefined;
}

let pages: readonly string[];
beforeAll(async () => {
  const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"]);
  pages = stdout.split("\n").filter((page) => page !== "" && existsSync(join(repository, page)));
});

/** A page without what stands in its blocks of code. */
const proseOf = (page: string): string => readPage(page).replace(/^ *```.*?^ *```$/gms, "");

function linksOf(page: string): readonly Link[] {
  return [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^\w+:/.test(link))
    .map((link) => {
      const [path = "", anchor] = link.split("#");
      return { page, target: path === "" ? page : normalize(join(dirname(page), path)), anchor };
    });
}

/** What GitHub calls the headings of a page, so that a link finds them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => {
      const slug = heading
        .toLowerCase()
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, "")
        .replaceAll(" ", "-");
      const times = seen.get(slug) ?? 0;
      seen.set(slug, times + 1);
      return times === 0 ? slug : `${slug}-${times}`;
    }),
  );
}

test("what a page links to is there", () => {
  const dead = pages.flatMap(linksOf).filter(({ target }) => !existsSync(join(repository, target)));
  expect(dead).toEqual([]);
});

test("the part of a page that is linked to is there", () => {
  const dead = pages
    .flatMap(linksOf)
    .filter(({ target, anchor }) => anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor));
  expect(dead).toEqual([]);
});

test("the README leads to every page of docs, and to that of the examples", () => {
  const linked = new Set(linksOf("README.md").map(({ target }) => target));
  // What is not in the package is named, not linked to.
  const named = (page: string) => linked.has(page) || proseOf("README.md").includes(`\`${page}\``);
  expect(pages.filter((page) => /^docs\/|^examples\/README/.test(page) && !named(page))).toEqual([]);
});

test("what prose names by its path is there", () => {
  const named = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/`((?:docs|examples|test|src|bench)\/[\w./-]*)`/g)].map(([, path = ""]) => ({
      page,
      path,
    })),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ path }) => !existsSync(join(repository, path)))).toEqual([]);
});

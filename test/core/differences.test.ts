import { expect, test } from "vitest";
import { differences } from "../../src/core/differences.ts";
import { createRoster } from "../../src/core/roster.ts";
import { seeded } from "../balance/fakes.ts";

const items = (count: number, from = 0): { readonly i: number }[] =>
  Array.from({ length: count }, (_, i) => ({ i: from + i }));

test("one that was put in, taken out or replaced is found, wherever it stands", () => {
  const list = items(1_000);
  const other = { i: -1 };
  for (const at of [0, 1, 500, 998, 999]) {
    const item = list[at];
    expect(differences(list, list.toSpliced(at, 1))).toEqual({ gone: [item], come: [] });
    expect(differences(list, list.toSpliced(at, 0, other))).toEqual({ gone: [], come: [other] });
    expect(differences(list, list.with(at, other))).toEqual({ gone: [item], come: [other] });
  }
  expect(differences(list, [...list, other])).toEqual({ gone: [], come: [other] });
  expect(differences(list, [...list])).toEqual({ gone: [], come: [] });
});

test("one that only moved has neither gone nor come", () => {
  const list = items(1_000);
  const moved = [...list.slice(0, 300), list[700], ...list.slice(300, 700), ...list.slice(701)];
  expect(differences(list, moved as typeof list)).toEqual({ gone: [], come: [] });
});

test("where much has changed, or the order, nothing is said", () => {
  const list = items(1_000);
  expect(differences(list, items(1_000, 5_000))).toBeUndefined();
  expect(differences(list, list.toReversed())).toBeUndefined();
  expect(differences(list, [])).toBeUndefined();
  expect(differences([], list)).toBeUndefined();
  expect(differences([], items(3))?.come).toHaveLength(3);
});

test.each([1, 2, 3])("what is said is what has changed (seed %i)", (seed) => {
  const random = seeded(seed);
  const at = (length: number) => Math.floor(random() * length);
  let list = items(200);
  for (let step = 0; step < 500; step++) {
    const next = [...list];
    for (let changes = at(8); changes > 0; changes--) {
      const what = random();
      if (what < 0.3) next.splice(at(next.length), 1);
      else if (what < 0.6) next.splice(at(next.length + 1), 0, { i: step });
      else if (what < 0.8) next[at(next.length)] = { i: step };
      else next.splice(at(next.length), 0, ...next.splice(at(next.length), 1));
    }
    const said = differences(list, next);
    if (said !== undefined) {
      expect(new Set(said.gone)).toEqual(new Set(list.filter((item) => !next.includes(item))));
      expect(new Set(said.come)).toEqual(new Set(next.filter((item) => !list.includes(item))));
    } else expect(step).toBe("too much was passed over");
    list = next;
  }
});

test.each([1, 2, 3])(
  "a roster holds what was added and is left, in lists that differ by that alone (seed %i)",
  (seed) => {
    const random = seeded(seed);
    const roster = createRoster(items(100));
    const held = new Set(roster.list());
    for (let step = 0; step < 1_000; step++) {
      const before = roster.list();
      const list = [...held];
      const one = list[Math.floor(random() * list.length)] as { readonly i: number };
      const other = random() < 0.1 ? (list[Math.floor(random() * list.length)] as typeof one) : { i: step };
      const what = random();
      if (what < 0.3) {
        expect(roster.delete(one)).toBe(true);
        expect(roster.delete(one)).toBe(false);
        held.delete(one);
      } else if (what < 0.6) {
        roster.add(other);
        held.add(other);
      } else {
        roster.replace(one, other);
        held.delete(one);
        held.add(other);
      }
      const after = roster.list();
      expect(new Set(after)).toEqual(held);
      expect(after).toHaveLength(held.size);
      expect(roster.size).toBe(held.size);
      expect(roster.list()).toBe(after);
      const said = differences(before, after);
      expect(said?.gone.length).toBeLessThan(3);
    }
  },
);

import { expect, test } from "vitest";
import { contains, type KeyRange } from "../../src/devetcd/key-range.ts";
import { createKeySet } from "../../src/devetcd/key-set.ts";
import { randomFrom } from "./random-operations.ts";

const letters = "abcdefgh";

test.for([1, 2, 3, 4])("a set of ranges has the keys of all its ranges and no others (seed %i)", (seed) => {
  const random = randomFrom(seed);
  const letter = () => letters[Math.floor(random() * letters.length)] as string;
  for (let round = 0; round < 200; round++) {
    const set = createKeySet();
    const added: KeyRange[] = [];
    for (let i = 0; i < 6; i++) {
      const range = { from: letter(), to: random() < 0.1 ? undefined : letter() };
      added.push(range);
      set.add(range);
      for (const key of [...letters, "", "bb", "z"]) {
        expect(set.has(key), `${key} in ${JSON.stringify(added)}`).toBe(added.some((each) => contains(each, key)));
      }
    }
    const { ranges } = set;
    expect(ranges.every(({ to }, at) => at === ranges.length - 1 || (to ?? "~") < (ranges[at + 1]?.from ?? ""))).toBe(
      true,
    );
  }
});

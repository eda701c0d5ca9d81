import { expect, test } from "vitest";
import { createLines, type Line } from "../../src/registry/etcd/lines.ts";
import { seeded } from "../balance/fakes.ts";

function byHand(lines: ReadonlyMap<string, Line>): Map<string, unknown> {
  const best = new Map<string, Line>();
  for (const line of lines.values()) {
    if (line.endpoint === undefined) continue;
    const other = best.get(line.endpoint.address);
    if (other === undefined || line.rank < other.rank) best.set(line.endpoint.address, line);
  }
  return new Map([...best].map(([address, { endpoint }]) => [address, endpoint]));
}

test.each([1, 2, 3])(
  "of entries with one address the one that is to stand stands, whatever came before (seed %i)",
  (seed) => {
    const random = seeded(seed);
    const lines = createLines();
    const known = new Map<string, Line>();
    for (let step = 0; step < 3_000; step++) {
      const key = `a.B/${Math.floor(random() * 40)}`;
      if (random() < 0.4) {
        expect(lines.delete(key)).toBe(known.delete(key));
      } else {
        const address = `10.0.0.${Math.floor(random() * 15)}:1000`;
        const endpoint = random() < 0.1 ? undefined : { address };
        const line = { modRevision: `${step}`, endpoint, rank: Math.floor(random() * 3), size: 1 };
        lines.set(key, line);
        known.delete(key);
        known.set(key, line);
      }
      if (random() < 0.5) continue;
      const endpoints = lines.endpoints();
      const expected = byHand(known);
      expect(endpoints).toHaveLength(expected.size);
      expect(new Map(endpoints.map((endpoint) => [endpoint.address, endpoint]))).toEqual(expected);
      for (const endpoint of endpoints) expect(expected.get(endpoint.address)).toBe(endpoint);
      expect(lines.endpoints()).toBe(endpoints);
    }
  },
);

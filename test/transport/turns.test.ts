import { expect, test } from "vitest";
import { turns } from "../../src/transport/turns.ts";
import { event } from "../contract/transport/world.ts";

test("so many work at a time, and those whose work waits take turns", async () => {
  const inTurn = turns(2);
  const [many, few] = [{}, {}];
  const began: string[] = [];
  const first = event();
  const work = (name: string) => async (): Promise<void> => {
    began.push(name);
    if (began.length <= 2) await first.happened;
  };
  const all = [1, 2, 3, 4, 5].map((i) => inTurn(many, work(`many ${i}`)));
  all.push(inTurn(few, work("few 1")), inTurn(few, work("few 2")));
  expect(began).toEqual(["many 1", "many 2"]);
  first.happen();
  await Promise.all(all);
  expect(began).toEqual(["many 1", "many 2", "many 3", "few 1", "many 4", "few 2", "many 5"]);
});

test("work that fails gives its place up", async () => {
  const inTurn = turns(1);
  const failing = inTurn({}, () => Promise.reject(new Error("broken")));
  const next = inTurn({}, async () => "done");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("done");
});

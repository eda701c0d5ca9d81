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

test("all that come from one place have one turn, and take it in turn", async () => {
  const inTurn = turns(1);
  const began: string[] = [];
  const first = event();
  const work = (name: string) => async (): Promise<void> => {
    began.push(name);
    await first.happened;
  };
  const flood = Array.from({ length: 3 }, () => ({ from: "10.0.0.1" }));
  const all = [1, 2].flatMap((i) => flood.map((each, at) => inTurn(each, work(`flood ${at} ${i}`))));
  all.push(inTurn({ from: "10.0.0.2" }, work("good")), inTurn({}, work("nobody's")));
  first.happen();
  await Promise.all(all);
  expect(began.slice(0, 4)).toEqual(["flood 0 1", "flood 1 1", "good", "nobody's"]);
  expect(began.slice(4)).toEqual(["flood 2 1", "flood 0 2", "flood 1 2", "flood 2 2"]);
});

test("work that fails gives its place up", async () => {
  const inTurn = turns(1);
  const failing = inTurn({}, () => Promise.reject(new Error("broken")));
  const next = inTurn({}, async () => "done");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("done");
});

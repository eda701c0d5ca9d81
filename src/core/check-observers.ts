import { closest } from "./closest.ts";
import type { Observer } from "./facts.ts";
import { FACT_KINDS } from "./facts-log.ts";
import { checkKinds, type OptionKind } from "./option-kinds.ts";
import { whatIs } from "./what-is.ts";

const observersKind: OptionKind = {
  fits: Array.isArray,
  remedy: 'give a list: [{ "circuit-opened": (fact) => console.log(fact) }]',
};

/** @throws TypeError that names the kind of fact that there is not, and the one that was meant */
export function checkObserver(observer: unknown): asserts observer is Observer {
  if (typeof observer === "function") return;
  if (typeof observer !== "object" || observer === null || Array.isArray(observer)) {
    throw new TypeError(`an observer is ${whatIs(observer)}: ${observersKind.remedy.replace("a list: ", "one: ")}`);
  }
  for (const [kind, listener] of Object.entries(observer)) {
    if (!(FACT_KINDS as readonly string[]).includes(kind)) {
      // What an observer has besides, such as a function that reads what it kept, is its own affair.
      const meant = closest(kind, FACT_KINDS);
      if (meant === undefined && !kind.includes("-")) continue;
      throw new TypeError(
        `an observer listens to "${kind}", and there is no such fact${meant === undefined ? "" : `: did you mean ${meant}?`}`,
      );
    }
    if (listener === undefined || typeof listener === "function") continue;
    throw new TypeError(
      `an observer's ${kind} is ${whatIs(listener)}: give a function, such as (fact) => console.log(fact)`,
    );
  }
}

/** As `checkObserver`, of the option `observers`. */
export function checkObservers(options: { readonly observers?: readonly unknown[] | undefined }): void {
  checkKinds(options, { observers: observersKind });
  for (const observer of options.observers ?? []) checkObserver(observer);
}

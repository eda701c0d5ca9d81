import { closest } from "../core/closest.ts";
import { shortened } from "../core/printable.ts";

/** `; did you mean "call"`, or nothing where no word is close. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = closest(word, known);
  return meant === undefined ? "" : `; did you mean "${shortened(meant)}"`;
}

/** The first of many names, each as long as a message can bear, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, mostShown).map(shortened).join(", ");
  return names.length <= mostShown ? shown : `${shown} and ${names.length - mostShown} more`;
}

const mostShown = 20;

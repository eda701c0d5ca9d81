/** The one of the known words that a mistyped one was meant to be; `undefined` where none is close. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const best = known
    .filter((each) => each.length <= 2 * word.length + 1)
    .map((each) => ({ each, distance: distance(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  // A third of the letters may be wrong, or one of a short word's.
  const allowed = Math.max(1, Math.floor(word.length / 3));
  return best === undefined || best.distance > allowed ? undefined : best.each;
}

/** Letters to insert, delete or replace: Levenshtein's distance, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row[b.length] ?? 0;
}

/** How a list differs from the one before. */
export interface Differences<T> {
  readonly gone: readonly T[];
  readonly come: readonly T[];
}

/** Items that may stand between two of which the lists are the same again. */
const longestGap = 8;

/**
 * Which items of two lists, each without twins, are not in both. They are told apart by identity and never looked into, so
 * that 5,000 of which nothing is new take a few microseconds. The order may differ here and there; `undefined` where
 * that, or what has changed, is more than an eighth of them: then it is as well to go through them all.
 */
export function differences<T>(before: readonly T[], after: readonly T[]): Differences<T> | undefined {
  const most = 16 + (before.length + after.length) / 8;
  const gone: T[] = [];
  const come: T[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      i++;
      j++;
      continue;
    }
    const [skipBefore, skipAfter] = gapAt(before, i, after, j);
    for (const end = i + skipBefore; i < end; i++) gone.push(before[i] as T);
    for (const end = j + skipAfter; j < end; j++) come.push(after[j] as T);
    if (gone.length + come.length > most) return undefined;
  }
  if (gone.length + come.length + (before.length - i) + (after.length - j) > most) return undefined;
  for (; i < before.length; i++) gone.push(before[i] as T);
  for (; j < after.length; j++) come.push(after[j] as T);
  const said = withoutMoved(gone, come);
  const twins = before.length - said.gone.length + said.come.length !== after.length;
  return twins ? undefined : said;
}

/** How many to pass over in each list until they are the same again; one in each where that is not near. */
function gapAt<T>(before: readonly T[], i: number, after: readonly T[], j: number): readonly [number, number] {
  for (let gap = 1; gap <= longestGap; gap++) {
    if (i + gap < before.length && j + gap < after.length && before[i + gap] === after[j + gap]) return [gap, gap];
    if (i + gap < before.length && before[i + gap] === after[j]) return [gap, 0];
    if (j + gap < after.length && after[j + gap] === before[i]) return [0, gap];
  }
  return [1, 1];
}

function withoutMoved<T>(gone: readonly T[], come: readonly T[]): Differences<T> {
  if (gone.length === 0 || come.length === 0) return { gone, come };
  const left = new Set(gone);
  const arrived = come.filter((item) => !left.delete(item));
  return { gone: [...left], come: arrived };
}

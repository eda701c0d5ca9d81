/** Who is there, in no order: one comes or goes at the same cost however many there are. */
export interface Roster<T> {
  readonly size: number;
  has(item: T): boolean;
  /** Once, however often it is added. */
  add(item: T): void;
  /** True where it was there. */
  delete(item: T): boolean;
  /** In the place of another, where that is there; else at the end. */
  replace(before: T, after: T): void;
  /** The same array until something changes, and then another: a copy of pointers, which are not followed. */
  list(): readonly T[];
}

/** Where one goes the last is put into its place, so that two lists are the same but for what has changed. */
export function createRoster<T>(first: Iterable<T> = []): Roster<T> {
  const items: T[] = [];
  const places = new Map<T, number>();
  let copy: readonly T[] | undefined;

  const put = (item: T, place: number): void => {
    items[place] = item;
    places.set(item, place);
    copy = undefined;
  };

  const add = (item: T): void => {
    if (!places.has(item)) put(item, items.length);
  };

  const remove = (item: T): boolean => {
    const place = places.get(item);
    if (place === undefined) return false;
    const last = items.pop() as T;
    places.delete(item);
    if (last !== item) put(last, place);
    copy = undefined;
    return true;
  };

  for (const item of first) add(item);
  return {
    get size() {
      return items.length;
    },
    has: (item) => places.has(item),
    add,
    delete: remove,
    replace(before, after) {
      const place = places.get(before);
      if (place === undefined) add(after);
      else if (before === after) return;
      else if (places.has(after)) remove(before);
      else {
        places.delete(before);
        put(after, place);
      }
    },
    list() {
      copy ??= items.slice();
      return copy;
    },
  };
}

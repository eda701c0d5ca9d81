// The rule for every name that cannot be had. A name in a `.proto` has no `$`, so what is made so clashes with nothing.

/** What is made of a name: only that can be reserved or taken. */
type Becomes = (name: string) => string;

const itself: Becomes = (name) => name;

/** The name with `$` behind it where it is reserved, and before it where nothing of it could begin a name. */
export function safeName(name: string, isReserved: (made: string) => boolean, becomes: Becomes = itself): string {
  const made = becomes(name);
  if (!/^[A-Za-z_$]/.test(made)) return `$${name}`;
  return isReserved(made) ? `${name}$` : name;
}

/**
 * The name with `$1`, `$2` … behind it where it is taken.
 * @param taken what others are called, to which this one's is added
 */
export function freeName(name: string, taken: Set<string>, becomes: Becomes = itself): string {
  let free = name;
  for (let n = 1; taken.has(becomes(free)); n++) free = `${name}$${n}`;
  taken.add(becomes(free));
  return free;
}

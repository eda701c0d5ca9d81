/** etcd takes 128 operations in a transaction by default. */
const maxOperations = 128;
/** etcd takes requests of 1.5 MiB by default; the rest is for what stands around keys and values. */
const maxBytes = 1024 * 1024;

/** Cuts what is too much for one transaction of etcd into several, in order. */
export function batches<T>(all: readonly T[], bytesOf: (one: T) => number = () => 0): readonly (readonly T[])[] {
  const cut: T[][] = [];
  let bytes = 0;
  for (const one of all) {
    const last = cut.at(-1);
    bytes += bytesOf(one);
    if (last === undefined || last.length === maxOperations || bytes > maxBytes) {
      cut.push([one]);
      bytes = bytesOf(one);
    } else {
      last.push(one);
    }
  }
  return cut;
}

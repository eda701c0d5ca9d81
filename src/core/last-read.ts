/**
 * Does work that fails once more, and tells what of `value` it had read last: `items[3].price`. A message, and JSON for
 * one, is read in order, so that this is what did not fit. Costs nothing where nothing fails; of what takes very many reads
 * it tells nothing.
 */
export function lastRead(value: unknown, work: Work): string {
  const reads = { left: mostReads };
  const { path, among } = readBefore(value, work, reads) ?? { path: "" };
  if (reads.left < 0) return "";
  if (among === undefined) return path;
  // The values of an object of keys may all be read before the first of them is looked at. So the fewest of its first keys
  // are looked for with which it fails: the last of them is what did not fit.
  let [fit, fail, found] = [0, among.keys.length, path];
  while (fail - fit > 1) {
    const most = (fit + fail) >> 1;
    const before = readBefore(value, work, reads, { path: among.path, most });
    if (reads.left < 0) return among.path;
    if (before === undefined) fit = most;
    else [fail, found] = [most, before.path];
  }
  return found;
}

type Work = (watched: any) => unknown;

interface Read {
  readonly path: string;
  /** The object that it stands in, and its keys, where those were listed. */
  readonly among?: { readonly path: string; readonly keys: readonly string[] } | undefined;
}

/** An object that is to seem to have no more than the first of its keys. */
interface Short {
  readonly path: string;
  readonly most: number;
}

/** Half a second's. */
const mostReads = 1_000_000;

/** What had been read last when the work failed; `undefined` where it did not. */
function readBefore(value: unknown, work: Work, reads: { left: number }, short?: Short): Read | undefined {
  let last: Read = { path: "" };
  const watch = (target: unknown, at: string): unknown => {
    if (!isWatched(target)) return target;
    // The content of an `Any` is copied before it is read.
    const copied = Object.hasOwn(target, "@type");
    let among: Read["among"];
    return new Proxy(extensible(target), {
      get(of, key, receiver) {
        if (--reads.left < 0) throw new Error("that were too many");
        const child: unknown = Reflect.get(of, key, receiver);
        if (typeof key !== "string" || key.startsWith("$") || isLength(of, key) || !Object.hasOwn(of, key))
          return child;
        const path = `${at}${step(of, key, at)}`;
        last = copied ? { path: at } : { path, among };
        return isFixed(of, key) ? child : watch(child, path);
      },
      ownKeys(of) {
        if (Array.isArray(of)) return Reflect.ownKeys(of);
        const keys = Object.keys(of);
        reads.left -= keys.length;
        among = { path: at, keys };
        return short?.path === at ? keys.slice(0, short.most) : Reflect.ownKeys(of);
      },
    });
  };
  try {
    work(watch(value, ""));
    return undefined;
  } catch {
    return last;
  }
}

/** Messages, lists and maps of messages; of protobuf's own types the outside alone is known to others. */
function isWatched(value: unknown): value is object {
  if (typeof value !== "object" || value === null || !/^\[object (?:Object|Array)\]$/.test(tagOf(value))) return false;
  const name = "$typeName" in value ? value.$typeName : "";
  return typeof name !== "string" || !name.startsWith("google.protobuf.");
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

function isLength(of: object, key: string): boolean {
  return key === "length" && Array.isArray(of);
}

/** Of what is frozen a proxy may hand out nothing but what is there. */
function extensible(target: object): object {
  if (Object.isExtensible(target)) return target;
  return Array.isArray(target) ? [...target] : { ...target };
}

function isFixed(of: object, key: string): boolean {
  const own = Object.getOwnPropertyDescriptor(of, key);
  return own?.configurable === false && own.writable === false;
}

function step(of: object, key: string, at: string): string {
  if (Array.isArray(of)) return `[${key}]`;
  if (!/^[A-Za-z_]\w*$/.test(key)) return `[${JSON.stringify(key)}]`;
  return at === "" ? key : `.${key}`;
}

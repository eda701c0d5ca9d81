/**
 * Does work that fails once more, and tells what of `value` it had read last: `items[3].price`. A message, and JSON for
 * one, is read in order, so that this is what did not fit. Costs nothing where nothing fails.
 */
export function lastRead(value: unknown, work: (watched: any) => unknown): string {
  let last = "";
  const watch = (target: unknown, at: string): unknown => {
    if (!isWatched(target)) return target;
    // The content of an `Any` is copied before it is read.
    const copied = Object.hasOwn(target, "@type");
    return new Proxy(extensible(target), {
      get(of, key, receiver) {
        const child: unknown = Reflect.get(of, key, receiver);
        if (typeof key !== "string" || key.startsWith("$") || isLength(of, key) || !Object.hasOwn(of, key))
          return child;
        const path = `${at}${step(of, key, at)}`;
        last = copied ? at : path;
        return isFixed(of, key) ? child : watch(child, path);
      },
    });
  };
  try {
    work(watch(value, ""));
  } catch {
    return last;
  }
  return "";
}

/** Messages, lists and maps of messages; of protobuf's own types the outside alone is known to others. */
function isWatched(value: unknown): value is object {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || value instanceof Map) return false;
  const name = "$typeName" in value ? value.$typeName : "";
  return typeof name !== "string" || !name.startsWith("google.protobuf.");
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

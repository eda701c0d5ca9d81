/** As Node's `util.inspect` looks for it. */
const inspected = Symbol.for("nodejs.util.inspect.custom");

type Inspect = (value: unknown, options?: object) => string;

/**
 * Has a thing be printed, logged and written as JSON as what it tells of itself: nothing of its inside, and no secret.
 * @param thing an object, or the prototype of such ones
 */
export function shownAs<T extends object>(thing: T, name: string, tell: (of: T) => object): T {
  printedAs(thing, name, tell);
  return hidden(thing, "toJSON", function (this: T) {
    return tell(this);
  });
}

/** As `shownAs`, of what has a JSON form of its own. */
export function printedAs<T extends object>(thing: T, name: string, tell: (of: T) => object): T {
  return hidden(thing, inspected, function (this: T, depth: number, options: object, inspect: Inspect) {
    // A prototype is printed too, and has nothing to tell.
    if (depth < 0 || Object.hasOwn(this, "constructor")) return `[${name}]`;
    return `${name} ${inspect(tell(this), options)}`;
  });
}

function hidden<T extends object>(thing: T, key: string | symbol, value: unknown): T {
  return Object.defineProperty(thing, key, { value, configurable: true, writable: true });
}

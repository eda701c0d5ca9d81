/** Where something was called, as `Error.captureStackTrace` leaves it there: its text is made when it is read. */
export interface CallSite {
  readonly stack?: string;
}

export interface CallSiteOptions {
  /** What stands nearest to the caller: no frame above it is shown. */
  readonly above: Above;
  /** Where the call was made, where that was noted at the time. */
  readonly site?: CallSite | undefined;
  /** The error may have been made by a user's code, an interceptor's, whose own lines are then shown first. */
  readonly foreign?: boolean | undefined;
}

type Above = (...args: never[]) => unknown;

/** What an engine's reading of an error's stack does not say. */
interface Told {
  /** Where the error was made: one error may end many calls, and its stack then shows the last of them. */
  readonly made: string;
  readonly site: CallSite | undefined;
}

const told = new WeakMap<Error, Told>();
/** V8's own reading of a stack, which formats it when it is first asked. Another engine's stacks are left as they are. */
const read = Object.getOwnPropertyDescriptor(new Error(), "stack")?.get;

/** Has a stack begin with what the error says of itself. */
export function layOutStack(error: Error): void {
  if (read !== undefined) Object.defineProperty(error, "stack", asMade);
}

/**
 * Gives the error of a call the stack of whoever made the call. Without a `site` that is who waits for it now: V8 can walk
 * from the promise that a microtask is about to settle to the functions that await it. So it must be called in the
 * reaction that settles what the caller was given, and costs nothing until a call has failed.
 */
export function showCallSite(error: Error, { above, site, foreign = false }: CallSiteOptions): void {
  if (read === undefined || !Object.isExtensible(error)) return;
  const before = told.get(error);
  const made = before?.made ?? (foreign ? usersFrames(error).join("") : "");
  if (before !== undefined || made !== "" || site !== undefined) told.set(error, { made, site });
  // Of an error that nobody catches, Node shows the line of the first frame that the engine holds: the caller's, too.
  Error.captureStackTrace(error, above);
  Object.defineProperty(error, "stack", asCalled);
}

/** Rejects with the error, which then shows who waits for it. */
export function rejectedAtCallSite(error: Error): Promise<never> {
  return Promise.reject(error).catch(rethrownAtCallSite);
}

/** For `catch`: the error then shows who waits for what that returned. */
export function rethrownAtCallSite(error: Error): never {
  showCallSite(error, { above: rethrownAtCallSite });
  throw error;
}

/** Who called `above`. */
export function siteAbove(above: Above): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, above);
  return site;
}

const asMade: PropertyDescriptor = {
  configurable: true,
  enumerable: false,
  get(this: Error) {
    return `${this}${framesOf(ownStack(this)).join("")}`;
  },
  set(this: Error, value: unknown) {
    Object.defineProperty(this, "stack", { value, configurable: true, writable: true });
  },
};

const asCalled: PropertyDescriptor = {
  ...asMade,
  get(this: Error) {
    const { made = "", site } = told.get(this) ?? {};
    const called = usersFrames(site ?? ownStack(this));
    return `${this}${made}${called.filter((frame) => !made.includes(frame)).join("")}`;
  },
};

/** What V8 says of an error, behind the error's message: that may look like frames. */
function ownStack(error: Error): CallSite {
  const stack: unknown = read?.call(error);
  if (typeof stack !== "string") return {};
  const at = stack.indexOf(error.message);
  return { stack: at === -1 ? stack : stack.slice(at + error.message.length) };
}

/** The frames of a stack, each behind a line's end. */
function framesOf({ stack }: CallSite): string[] {
  return typeof stack === "string" ? (stack.match(/\n\s+at .*/g) ?? []) : [];
}

/** The frames that are neither this package's nor Node's own. */
function usersFrames(site: CallSite): string[] {
  return framesOf(site).filter((frame) => !isOurs(frame) && !/[( ]node:/.test(frame));
}

let folder: string | undefined;

function isOurs(frame: string): boolean {
  folder ??= ownFolder();
  return folder !== "" && frame.includes(folder);
}

/** Where this package lies; empty where it was bundled into one file with the program that uses it. */
function ownFolder(): string {
  const [, own = ""] = /at ownFolder \((.*?[/\\])core[/\\]call-site\.[jt]s:/.exec(new Error().stack ?? "") ?? [];
  return own;
}

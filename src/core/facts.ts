import type { CallFacts } from "./call-facts.ts";
import type { ConnectionFacts } from "./connection-facts.ts";
import { FACT_KINDS, loggedBy } from "./facts-log.ts";
import { type Logger, silent } from "./logger.ts";
import type { PeerFacts } from "./peer-facts.ts";
import type { PolicyFacts } from "./policy-facts.ts";
import type { RegistryFacts } from "./registry-facts.ts";
import type { ServerFacts } from "./server-facts.ts";
import { isThenable } from "./thenable.ts";

/** What each kind of fact says. */
export interface FactFields extends CallFacts, PeerFacts, ConnectionFacts, RegistryFacts, PolicyFacts, ServerFacts {}

export type FactKind = keyof FactFields;

/** A fact of one kind: `FactOf<"circuit-opened">`. */
export type FactOf<K extends FactKind> = { readonly kind: K } & Readonly<FactFields[K]>;

/** Something that happened, small and plain: no message body, and nothing of a call's metadata, is in it. */
export type Fact = { [K in FactKind]: FactOf<K> }[FactKind];

/** Listens to some kinds of facts. */
export type FactListeners = { readonly [K in FactKind]?: ((fact: FactOf<K>) => void) | undefined };

/**
 * Is told of facts as they happen, in the middle of things: it should be quick, and what it throws is logged once and
 * harms nothing. By kind, only those that it names are made at all:
 *
 * ```ts
 * const alarm: Observer = {
 *   "circuit-opened": ({ peer, code }) => page(`${peer} answers ${code}`),
 *   "registration-lost": ({ address, reason }) => page(`${address} is out of the registry: ${reason}`),
 * };
 * createChannel({ registry, observers: [alarm] });
 * ```
 *
 * A function hears all kinds, and so has one made for each step of each call: `(fact) => console.log(fact)`.
 */
export type Observer = FactListeners | ((fact: Fact) => void);

/** Who listens, by kind: `facts.on["circuit-opened"]?.({ … })` makes nothing where nobody does. */
export type Listening = { readonly [K in FactKind]?: (fields: FactFields[K]) => void };

/** The stream of facts of one channel, server or registry. */
export interface Facts {
  /** Asked at each fact, since observers may come and go. */
  readonly on: Listening;
  readonly observers: readonly Observer[];
  readonly logger: Logger;
  /** Adds an observer until the returned function is called. */
  add(observer: Observer): () => void;
  /** The same stream, told to this logger in place of its own; with `undefined` the stream itself. */
  loggedBy(logger: Logger | undefined): Facts;
}

export interface FactsOptions {
  readonly observers?: readonly Observer[] | undefined;
  readonly logger?: Logger | undefined;
}

/** What `on` is while nobody listens to anything: to ask for it is the one branch that facts cost a call. */
export const NOBODY: Listening = Object.freeze({});

export function createFacts({ observers = [], logger = silent }: FactsOptions = {}): Facts {
  const all: Observer[] = [...observers];
  const views: (() => void)[] = [];

  function view(log: Logger): Facts {
    const compiled = (): Listening => listening(log === silent ? all : [...all, loggedBy(log)], log);
    const facts = {
      on: compiled(),
      observers: all,
      logger: log,
      add(observer: Observer) {
        all.push(observer);
        for (const renew of views) renew();
        return () => {
          const at = all.indexOf(observer);
          if (at < 0) return;
          all.splice(at, 1);
          for (const renew of views) renew();
        };
      },
      loggedBy: (other: Logger | undefined) => (other === undefined || other === log ? facts : view(other)),
    };
    views.push(() => {
      facts.on = compiled();
    });
    return facts;
  }
  return view(logger);
}

/** The stream that a room was given, or one of its own for its logger. */
export function factsOf({ facts, ...own }: FactsOptions & { readonly facts?: Facts | undefined }): Facts {
  return facts ?? createFacts(own);
}

/**
 * Both streams at once, for what concerns a registry and the server in it: who observes both is told once, and it is
 * logged once, where the first has a logger by that.
 */
export function bothFacts(one: Facts, other: Facts): Facts {
  let made: { readonly of: readonly [Listening, Listening]; readonly on: Listening } | undefined;
  return {
    get on() {
      if (made?.of[0] === one.on && made.of[1] === other.on) return made.on;
      const { observers, logger } = this;
      const on = listening(logger === silent ? observers : [...observers, loggedBy(logger)], logger);
      made = { of: [one.on, other.on], on };
      return on;
    },
    get observers() {
      return [...new Set([...one.observers, ...other.observers])];
    },
    get logger() {
      return one.logger === silent ? other.logger : one.logger;
    },
    add: (observer) => one.add(observer),
    loggedBy: (logger) => (logger === undefined ? bothFacts(one, other) : bothFacts(one.loggedBy(logger), other)),
  };
}

function listening(observers: readonly Observer[], log: Logger): Listening {
  if (observers.length === 0) return NOBODY;
  const guards = observers.map((observer) => guarded(observer, log));
  const on: Partial<Record<FactKind, unknown>> = {};
  for (const kind of FACT_KINDS) {
    const hear = guards.flatMap((guard) => guard(kind) ?? []);
    if (hear.length === 0) continue;
    on[kind] = (fields: object) => {
      const fact = { kind, ...fields } as Fact;
      for (const each of hear) each(fact);
    };
  }
  return on as Listening;
}

type Hear = (fact: Fact) => void;

/** What an observer makes of a kind, harmless whatever it throws. */
function guarded(observer: Observer, log: Logger): (kind: FactKind) => Hear | undefined {
  let complained = false;
  const complain = (kind: FactKind, error: unknown): void => {
    if (complained) return;
    complained = true;
    try {
      const text = "an observer threw at a fact; it is told of others all the same";
      if (log === silent) process.emitWarning(`${text} (${kind}): ${error}`);
      else log.error({ fact: kind, err: error }, text);
    } catch {
      // A logger that throws has nobody left to tell.
    }
  };
  return (kind) => {
    const own = (typeof observer === "function" ? observer : observer[kind]) as Hear | undefined;
    if (own === undefined) return undefined;
    return (fact) => {
      try {
        const given: unknown = own.call(observer, fact);
        if (isThenable(given)) given.then(undefined, (error) => complain(kind, error));
      } catch (error) {
        complain(kind, error);
      }
    };
  };
}

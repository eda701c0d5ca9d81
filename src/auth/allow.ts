import { isBuiltIn } from "../core/built-in.ts";
import type { Call, Interceptor } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { isObject } from "../core/json-object.ts";
import type { Method } from "../core/method.ts";
import { checkKind, checkKinds, functionLike, listOfText, type OptionKinds, text } from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type LooksAtServed, namesOf, SERVED, servedName } from "../core/served.ts";
import { type Identity, identity } from "./identity.ts";
import { notKnown } from "./not-known.ts";

/** Who is let in: all that is given must hold. `{}` is whoever is known. */
export interface Rule {
  /** One of these: `spiffe://shop.example/checkout`; with `*` at its end, all that begin so. */
  readonly subjects?: readonly string[] | undefined;
  /** Known by a token of this issuer, where there are several ways to be known. */
  readonly issuer?: string | undefined;
  /** Has been granted all of these. */
  readonly scopes?: readonly string[] | undefined;
  /** Says so of this call. */
  readonly when?: ((caller: Identity, call: Call) => boolean | Promise<boolean>) | undefined;
}

/**
 * By the path of a method (`orders.v1.Orders/Place`, with a slash before it or without), by the name of a service, or `*`
 * for all others. Of those that name a method the closest holds, alone. What the contract declares public is meant by its
 * path only. Where a list is given one of its rules is enough; `[]` lets nobody in.
 */
export type Rules = Readonly<Record<string, Rule | readonly Rule[]>>;

const names: OptionNames<Rule> = { subjects: true, issuer: true, scopes: true, when: true };
const kinds: OptionKinds<Rule> = {
  subjects: listOfText,
  issuer: text,
  scopes: listOfText,
  when: functionLike('(caller) => caller.subject !== "eve"'),
};
const EVERYTHING = "*";

/**
 * A server interceptor that lets in who may call, by rules of the server's own. It stands within `auth`, which says who
 * calls. Who is not let in is told PERMISSION_DENIED; a method that its contract declares public, and no rule names, is
 * left alone.
 *
 * ```ts
 * allow({
 *   "orders.v1.Orders/Refund": { subjects: ["spiffe://shop.example/backoffice/*"] },
 *   "*": {},
 * });
 * ```
 * @throws TypeError for a name given twice, or what is no rule; and from `listen`, where a rule names nothing that the
 * server has, or what is public, or none speaks of a method
 */
export function allow(rules: Rules): Interceptor {
  checkKind("the rules of allow", rules, { fits: isObject, remedy: 'give an object: { "*": {} }' });
  const named = new Map<string, readonly Rule[]>();
  for (const [given, rule] of Object.entries(rules)) {
    const name = servedName(given);
    if (named.has(name)) throw new TypeError(`allow names ${given} twice: give it one rule, or a list of them`);
    const those = Array.isArray(rule) ? (rule as readonly Rule[]) : [rule as Rule];
    for (const each of those) {
      checkNames(each, names, `the rule of ${given}`);
      checkKinds(each, kinds, `the rule of ${given}: `);
    }
    named.set(name, those);
  }
  // As `*` does, the name of a service means those of its methods that are not public.
  const closest = ({ path, service, auth }: Method): readonly Rule[] | undefined =>
    named.get(path) ?? (auth?.public === true ? undefined : named.get(service));

  const interceptor: Interceptor = (next) => async (call) => {
    const { method } = call;
    const own = closest(method);
    if (own === undefined && method.auth?.public === true) return next(call);
    const who = call.get(identity);
    const those = own ?? named.get(EVERYTHING) ?? [];
    if (who === undefined) throw notKnown();
    for (const rule of those) if (await holds(rule, who, call)) return next(call);
    throw new RpcError(Code.PERMISSION_DENIED, `${method.path} is not for this caller`);
  };
  return Object.assign(interceptor, {
    [SERVED](methods: readonly Method[]) {
      const known = namesOf(methods);
      const strange = [...named.keys()].filter((name) => name !== EVERYTHING && !known.has(name));
      if (strange.length > 0) throw new TypeError(`allow names ${strange.join(", ")}, which this server does not have`);
      const shut = methods.find((each) => each.auth?.public === true && (closest(each)?.length ?? 0) > 0);
      if (shut !== undefined) throw nobodyIsKnown(shut);
      if (named.has(EVERYTHING)) return;
      const open = methods.filter((each) => closest(each) === undefined && !each.auth?.public && !isBuiltIn(each));
      if (open.length === 0) return;
      const paths = open.map(({ path }) => path).join(", ");
      throw new TypeError(`no rule of allow speaks of ${paths}: name it, or "*" for all others`);
    },
  } satisfies LooksAtServed);
}

/** Nobody is asked there who they are, so that a rule would let nobody in. */
function nobodyIsKnown({ path }: Method): TypeError {
  return new TypeError(
    `allow has a rule for ${path}, which its contract declares public: nobody is known there, and nobody would be let in; ` +
      "leave it out, or give it [] to shut it to all",
  );
}

async function holds({ subjects, issuer, scopes, when }: Rule, who: Identity, call: Call): Promise<boolean> {
  if (subjects !== undefined && !subjects.some((subject) => fits(subject, who.subject))) return false;
  if (issuer !== undefined && issuer !== who.issuer) return false;
  if (scopes?.every((scope) => who.scopes.has(scope)) === false) return false;
  return when === undefined || (await when(who, call)) === true;
}

function fits(pattern: string, subject: string): boolean {
  return pattern.endsWith("*") ? subject.startsWith(pattern.slice(0, -1)) : subject === pattern;
}

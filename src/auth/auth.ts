import { isBuiltIn } from "../core/built-in.ts";
import type { Call, Interceptor, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { createFacts, type Facts } from "../core/facts.ts";
import type { Method } from "../core/method.ts";
import type { MethodAuth } from "../core/method-auth.ts";
import { checkKinds, flag, listOfText } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import { shortened } from "../core/printable.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type LooksAtServed, SERVED } from "../core/served.ts";
import { whatIs } from "../core/what-is.ts";
import { type Authenticate, checkedIdentity, type Identity, identity } from "./identity.ts";
import { notKnown } from "./not-known.ts";

export interface AuthOptions {
  /**
   * What is asked for methods whose contract does not say, as those of a contract that somebody else wrote: `{}` lets in
   * whoever is known. Without it a server that has such a method does not start.
   */
  readonly undeclared?: MethodAuth | undefined;
}

const WHOEVER_IS_KNOWN: MethodAuth = {};
const mostNamed = 3;
const mostBeneath = 4;

/**
 * A server interceptor that lets in who may call, by what the contract asks for:
 * `option (trunkline.v1.method).auth = { scopes: ["orders:write"] }`. The first of the ways that finds somebody tells who
 * calls, whatever those before it made of the call, and the handler sees it: `context.get(identity)`. Who brings nothing, or what is not right, is told
 * UNAUTHENTICATED and no more; the log says why. Who is known and has not been granted enough is told PERMISSION_DENIED.
 *
 * ```ts
 * createServer({ interceptors: [metrics(), auth(jwt({ jwks, issuer, audience })), rateLimit({ … })] });
 * ```
 *
 * Health and reflection are left alone, as by all of a server's interceptors; among `builtInInterceptors` it asks of those
 * who call them that they are known.
 * @throws TypeError without a way, or for what nobody can be asked; and from `listen`, where a method's contract does not say who may call it
 */
export function auth(ways: Authenticate | readonly Authenticate[], options: AuthOptions = {}): Interceptor {
  checkNames(options, { undeclared: true }, "auth");
  const all = typeof ways === "function" ? [ways] : [...ways];
  if (all.length === 0 || !all.every((way) => typeof way === "function")) {
    throw new TypeError(
      "auth wants to know how callers are known: auth(jwt({ … })), or auth([mutualTls(), jwt({ … })])",
    );
  }
  const { undeclared } = options;
  if (undeclared !== undefined) {
    checkNames(undeclared, { public: true, scopes: true }, "undeclared");
    checkKinds(undeclared, { public: flag, scopes: listOfText }, "undeclared.");
  }
  let facts = createFacts();

  async function find(call: Call): Promise<Identity | undefined> {
    const failures: unknown[] = [];
    for (const way of all) {
      try {
        const who: unknown = await way(call);
        // What says yes or no is no way to know somebody: taken for a caller, a no would let everybody in.
        if (who !== undefined && who !== null) return checkedIdentity(who);
      } catch (error) {
        if (RpcError.is(error)) throw error;
        // It may be right for another way: a token of another issuer, say.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return undefined;
  }

  async function known(call: Call): Promise<Identity | undefined> {
    try {
      return await find(call);
    } catch (error) {
      const fields = { method: call.method.path, caller: call.caller?.address, why: whyNot(error) };
      facts.on["caller-refused"]?.(fields);
      if (RpcError.is(error)) throw error;
      return undefined;
    }
  }

  const interceptor: Interceptor =
    (next) =>
    async (call): Promise<Reply> => {
      const asked = call.method.auth ?? undeclared ?? WHOEVER_IS_KNOWN;
      if (asked.public === true) return next(call);
      const who = await known(call);
      if (who === undefined) throw notKnown();
      const lacking = asked.scopes?.filter((scope) => !who.scopes.has(scope)) ?? [];
      if (lacking.length > 0) {
        const why = `${call.method.path} asks for the scope ${lacking.join(" ")}, which the caller has not been granted`;
        throw new RpcError(Code.PERMISSION_DENIED, why);
      }
      return next(call.set(identity, who));
    };

  return Object.assign(interceptor, {
    [SERVED](methods: readonly Method[], servers: Facts) {
      facts = servers;
      const silentOnes = methods.filter((method) => method.auth === undefined && !isBuiltIn(method));
      if (undeclared === undefined && silentOnes.length > 0) throw undeclaredIn(silentOnes);
    },
  } satisfies LooksAtServed);
}

/** What lies beneath an error is told of an RpcError alone: beneath others stands what was read, a part of a token, say. */
function whyNot(error: unknown): string {
  const told: string[] = [];
  for (let each = error, n = 0; n < mostBeneath; n++) {
    told.push(each instanceof Error ? shortened(each.message) : `it is ${whatIs(each)} that was thrown`);
    if (!RpcError.is(error) || !(each instanceof Error) || each.cause === undefined) break;
    each = each.cause;
  }
  return told.join(": ");
}

function undeclaredIn(methods: readonly Method[]): TypeError {
  const named = methods.slice(0, mostNamed).map(({ path }) => path);
  const more = methods.length > mostNamed ? ` and ${methods.length - mostNamed} more` : "";
  return new TypeError(
    `the contract does not say who may call ${named.join(", ")}${more}: write ` +
      'option (trunkline.v1.method).auth = { scopes: ["…"] }, {} for whoever is known, or { public: true }; ' +
      "or give auth what is asked where nothing is said: { undeclared: {} }",
  );
}

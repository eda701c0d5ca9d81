import type { DescMethod, DescService, Registry } from "@bufbuild/protobuf";
import type { MethodAuth } from "../core/method-auth.ts";
import { type DeclaredAuth, declaredPolicy, optionNumber } from "./declared-policy.ts";
import { nameOf, placeOf } from "./source.ts";

/** Who may call the methods of a service, or what is wrong with what says so. */
export interface Auths {
  /** Only methods for which something is declared. */
  readonly auths: ReadonlyMap<DescMethod, MethodAuth>;
  /** Each names the file, the line, the method and what to do. */
  readonly problems: readonly string[];
}

/** The number of `auth` in `trunkline.v1.Policy`. */
const field = 7;

/** As RFC 6749 has a scope-token: what a token lists by spaces, and a header can carry. */
const scope = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** A method's own declaration stands in place of its service's. */
export function resolveAuths(service: DescService, registry: Registry): Auths {
  const auths = new Map<DescMethod, MethodAuth>();
  const problems: string[] = [];
  function declared(of: DescMethod | DescService): MethodAuth | undefined {
    const auth = declaredPolicy(of, registry)?.auth;
    if (auth === undefined) return undefined;
    // In field 4 of MethodDescriptorProto and in field 3 of ServiceDescriptorProto stand the options.
    const place = placeOf(of, of.kind === "rpc" ? 4 : 3, optionNumber, field);
    for (const text of faultsOf(auth)) problems.push(`${place}: ${nameOf(of)} ${text}`);
    return meant(auth);
  }

  const shared = declared(service);
  for (const method of service.methods) {
    const auth = declared(method) ?? shared;
    if (auth !== undefined) auths.set(method, auth);
  }
  return { auths, problems };
}

function faultsOf({ public: everybody, scopes }: DeclaredAuth): string[] {
  const none = scopes.filter((each) => !scope.test(each));
  return [
    ...(everybody && scopes.length > 0 ? ["declares auth.public together with auth.scopes: remove one"] : []),
    ...none.map((each) => `declares auth.scopes with ${JSON.stringify(each)}: give one scope each, without spaces`),
  ];
}

function meant({ public: everybody, scopes }: DeclaredAuth): MethodAuth {
  return { ...(everybody && { public: true }), ...(scopes.length > 0 && { scopes: [...new Set(scopes)] }) };
}

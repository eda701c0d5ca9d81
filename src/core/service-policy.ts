import { closest } from "./closest.ts";
import { isObject } from "./json-object.ts";
import type { Method, Service } from "./method.ts";
import { checkNames, type OptionNames } from "./option-names.ts";
import { policies } from "./policies.ts";
import type { MethodPolicy } from "./policy.ts";
import { checkResendingNames, methodPolicyNames } from "./policy-names.ts";
import { EVERY_SERVICE } from "./policy-source.ts";
import { whatIs } from "./what-is.ts";

/**
 * What operators say of a service while programs run: over what a channel and the contract say, under a call's own
 * options.
 */
export interface ServicePolicy extends MethodPolicy {
  /** By a method's name: `SayHello`. */
  readonly methods?: Readonly<Record<string, MethodPolicy>> | undefined;
}

const names: OptionNames<ServicePolicy> = { ...methodPolicyNames, methods: true };

/** As no method of a contract: whatever a policy may ask for, it may have. */
const anyMethod = {
  kind: "unary",
  service: "",
  path: "/",
  idempotency: "IDEMPOTENT",
  requestStream: false,
  policy: undefined,
} as Partial<Method> as Method;

/**
 * Looks at a policy that was given as JSON: at every name and every value, but not whether the methods are there.
 * @throws TypeError that names the field, and what it can be
 */
export function checkServicePolicy(service: string, given: unknown): asserts given is ServicePolicy {
  if (!isObject(given))
    throw new TypeError(`the policy is ${whatIs(given)}: give an object, such as {"timeoutMs":500}`);
  const policy: ServicePolicy = given;
  checkNames(policy, names, "the policy");
  checkMethodPolicy(policy, "");
  const { methods = {} } = policy;
  if (!isObject(methods)) throw new TypeError(`methods is ${whatIs(methods)}: give an object, by the methods' names`);
  if (service === EVERY_SERVICE && Object.keys(methods).length > 0) {
    throw new TypeError("methods stands under every service: give it to the service that has them");
  }
  for (const [name, method] of Object.entries(methods)) {
    if (!/^\w+$/.test(name)) {
      throw new TypeError(`methods names ${JSON.stringify(name)}: write the method's name alone, such as SayHello`);
    }
    checkNames(method, methodPolicyNames, `methods.${name}`);
    checkMethodPolicy(method, `methods.${name}.`);
  }
}

/** @throws TypeError that names the field */
function checkMethodPolicy(policy: MethodPolicy, of: string): void {
  for (const [name, value] of Object.entries(policy)) {
    if (value === null) throw new TypeError(`${of}${name} is null: leave it out where it is not to be set`);
  }
  for (const name of ["retry", "hedge"] as const) {
    const given: unknown = policy[name];
    if (given === undefined || given === false || isObject(given)) continue;
    throw new TypeError(`${of}${name} is ${whatIs(given)}: give an object, or false for none`);
  }
  checkResendingNames(policy, of);
  try {
    policies()(anyMethod, policy);
  } catch (error) {
    throw new TypeError(of + (error as Error).message.replace(/^.* has the policy (\S+)/, "$1 is"), { cause: error });
  }
}

/** What a policy says that a service cannot follow, each in a sentence: it has no such method, or one that is not safe. */
export function unfitFor(service: Service<any>, { methods = {} }: ServicePolicy): string[] {
  const known = new Map(Object.values(service.methods as Record<string, Method>).map((each) => [each.name, each]));
  return Object.entries(methods).flatMap(([name, policy]) => {
    const method = known.get(name);
    if (method === undefined) {
      const meant = closest(name, [...known.keys()]);
      const remedy = meant === undefined ? `it has: ${[...known.keys()].join(", ")}` : `did you mean ${meant}?`;
      return [`methods.${name}: ${service.name} has no such method: ${remedy}`];
    }
    if (method.idempotency !== "IDEMPOTENCY_UNKNOWN") return [];
    const asked = (["retry", "hedge"] as const).filter((key) => policy[key] && policy[key].maxAttempts !== 1);
    return asked.map((key) => `methods.${name}.${key} is left out: ${name} is not declared safe to send twice`);
  });
}

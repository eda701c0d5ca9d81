import { type CanaryPolicy, checkCanary } from "./canary-policy.ts";
import { closest } from "./closest.ts";
import { checkEjection, type EjectionPolicy } from "./ejection-policy.ts";
import { isObject } from "./json-object.ts";
import { logLevels } from "./log-level.ts";
import type { Method, Service } from "./method.ts";
import { checkKind, type OptionKind } from "./option-kinds.ts";
import { checkNames, type OptionNames } from "./option-names.ts";
import { policies } from "./policies.ts";
import type { MethodPolicy } from "./policy.ts";
import { checkResendingNames, methodPolicyNames } from "./policy-names.ts";
import { EVERY_SERVICE } from "./policy-source.ts";
import { checkRate, type RatePolicy } from "./rate-policy.ts";
import { whatIs } from "./what-is.ts";

/**
 * What operators say of a service while programs run: over what a channel and the contract say, under a call's own
 * options.
 */
export interface ServicePolicy extends MethodPolicy {
  /** By a method's name: `SayHello`. */
  readonly methods?: Readonly<Record<string, OperatedMethodPolicy>> | undefined;
  /** When a server is taken out for a while. */
  readonly ejection?: EjectionPolicy | undefined;
  /** How many calls go to some of the servers: those of a new version, say. */
  readonly canary?: CanaryPolicy | undefined;
  /** Calls that each server lets through, of all methods together; over it RESOURCE_EXHAUSTED. */
  readonly rateLimit?: RatePolicy | undefined;
  /** Calls of one caller that each server lets through. */
  readonly rateLimitPerCaller?: RatePolicy | undefined;
  /** Of the loggers of channels and servers, where these have one, as pino's have; only under `*`. */
  readonly logLevel?: string | undefined;
}

/** What operators say of one method. */
export interface OperatedMethodPolicy extends MethodPolicy {
  /** Calls that each server lets through. */
  readonly rateLimit?: RatePolicy | undefined;
}

const methodNames: OptionNames<OperatedMethodPolicy> = { ...methodPolicyNames, rateLimit: true };
const names: OptionNames<ServicePolicy> = {
  ...methodNames,
  methods: true,
  ejection: true,
  canary: true,
  rateLimitPerCaller: true,
  logLevel: true,
};

/** What says something of one service, and nothing of every service. */
const ofOne = ["methods", "canary", "rateLimit", "rateLimitPerCaller"] as const;

const levelKind: OptionKind = {
  fits: (value) => logLevels.includes(value as string),
  remedy: `give one of ${logLevels.join(", ")}`,
};

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
  checkPlace(service, policy);
  const { methods = {}, ejection, canary, rateLimitPerCaller, logLevel } = policy;
  if (ejection !== undefined) checkEjection(ejection);
  if (canary !== undefined) checkCanary(canary);
  if (rateLimitPerCaller !== undefined) checkRate(rateLimitPerCaller, "rateLimitPerCaller");
  if (logLevel !== undefined) checkKind("logLevel", logLevel, levelKind);
  if (!isObject(methods)) throw new TypeError(`methods is ${whatIs(methods)}: give an object, by the methods' names`);
  for (const [name, method] of Object.entries(methods)) {
    if (!/^\w+$/.test(name)) {
      throw new TypeError(`methods names ${JSON.stringify(name)}: write the method's name alone, such as SayHello`);
    }
    checkNames(method, methodNames, `methods.${name}`);
    checkMethodPolicy(method, `methods.${name}.`);
  }
}

/** @throws TypeError for what would be nothing where it stands */
function checkPlace(service: string, policy: ServicePolicy): void {
  if (service !== EVERY_SERVICE) {
    if (policy.logLevel === undefined) return;
    throw new TypeError("logLevel is of a whole process: set it under *, for every service");
  }
  const name = ofOne.find((each) => policy[each] !== undefined);
  if (name !== undefined) throw new TypeError(`${name} is of one service: set it under its name, not under *`);
}

/** @throws TypeError that names the field */
function checkMethodPolicy(policy: OperatedMethodPolicy, of: string): void {
  for (const [name, value] of Object.entries(policy)) {
    if (value === null) throw new TypeError(`${of}${name} is null: leave it out where it is not to be set`);
  }
  for (const name of ["retry", "hedge"] as const) {
    const given: unknown = policy[name];
    if (given === undefined || given === false || isObject(given)) continue;
    throw new TypeError(`${of}${name} is ${whatIs(given)}: give an object, or false for none`);
  }
  checkResendingNames(policy, of);
  if (policy.rateLimit !== undefined) checkRate(policy.rateLimit, `${of}rateLimit`);
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

import { Code } from "../core/code.ts";
import { EVERY_SERVICE, type PolicyChange, type PolicyRevision } from "../core/policy-source.ts";
import { RpcError } from "../core/rpc-error.ts";
import { checkServicePolicy } from "../core/service-policy.ts";
import { isServiceName } from "./announcement.ts";

/** How many of a service's policies are remembered. */
export const mostRemembered = 100;

/** @throws TypeError for what is no service, no policy, or says not who set it */
export function checkPolicyChange(service: string, { policy, by, note = "" }: PolicyChange): void {
  checkPolicyService(service);
  checkServicePolicy(service, policy);
  if (typeof by !== "string" || by === "") throw new TypeError("by says who sets the policy: give a name");
  if (typeof note !== "string") throw new TypeError("note says why the policy is set: give text");
}

/** @throws TypeError for what is no name of a service */
export function checkPolicyService(service: string): void {
  if (service === EVERY_SERVICE || (typeof service === "string" && isServiceName(service))) return;
  throw new TypeError(`${JSON.stringify(service)} is no service: give a full name, such as greeter.v1.Greeter, or *`);
}

/** Somebody else was there before. */
export function changedMeanwhile(
  service: string,
  now: PolicyRevision | undefined,
  expected: number | undefined,
): RpcError {
  const where = now === undefined ? "there is none" : `it is at revision ${now.revision}${byWhom(now)}`;
  const from = expected === undefined ? "" : `, and this change was made from ${expected}`;
  const why = `the policy of ${service} has changed meanwhile: ${where}${from}; look at it, and set it again`;
  return new RpcError(Code.ABORTED, why);
}

function byWhom({ by, at }: PolicyRevision): string {
  return `${by === "" ? "" : `, by ${by}`}${at === "" ? "" : ` at ${at}`}`;
}

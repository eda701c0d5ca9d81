import type { DescMethod, DescService, FileRegistry } from "@bufbuild/protobuf";
import { meantBy } from "./meant.ts";
import { didYouMean, someOf } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The method that a user names, in the case of the contract or another.
 * @throws UsageError that names what there is instead, or what may be meant
 */
export function methodOf(contract: FileRegistry, serviceName: string, methodName: string): DescMethod {
  const services = servicesOf(contract);
  const service = meantBy(serviceName, services, ({ typeName }) => typeName);
  if (service === undefined) {
    const meant = contract.getService(`${serviceName}.${methodName}`);
    if (meant !== undefined) throw methodForgotten(meant);
    const known = services.map(({ typeName }) => typeName);
    const list = known.length === 0 ? "none" : someOf(known);
    throw new UsageError(`there is no service ${serviceName}${didYouMean(serviceName, known)}; known are: ${list}`);
  }
  const method = meantBy(methodName, service.methods, ({ name }) => name);
  if (method === undefined) {
    const known = service.methods.map(({ name }) => name);
    const hint = didYouMean(methodName, known);
    throw new UsageError(`${service.typeName} has no method ${methodName}${hint}; it has: ${someOf(known)}`);
  }
  return method;
}

/** Where a service was named and none of its methods. */
export function methodForgotten({ typeName, methods }: DescService): UsageError {
  const known = someOf(methods.map(({ name }) => name));
  return new UsageError(`${typeName} is a service: write ${typeName}/<method>; it has: ${known}`);
}

function servicesOf(contract: FileRegistry): DescService[] {
  return [...contract].filter((each) => each.kind === "service");
}

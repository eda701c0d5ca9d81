import { create, createFileRegistry, type DescMethod, type DescService, type FileRegistry } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { didYouMean, someOf } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";
import { wellKnownFiles } from "./well-known.ts";

/** The types and services of some files, wherever they came from. */
export function contractOf(files: readonly FileDescriptorProto[]): FileRegistry {
  const all = new Map(wellKnownFiles.map(({ proto }) => [proto.name, proto]));
  for (const file of files) all.set(file.name, file);
  return createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(all) }));
}

/** Each file behind those that it imports. */
function inOrder(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const visited = new Set<string>();
  const visit = (file: FileDescriptorProto): void => {
    if (visited.has(file.name)) return;
    visited.add(file.name);
    for (const name of file.dependency) {
      const needed = files.get(name);
      if (needed !== undefined) visit(needed);
    }
    ordered.add(file);
  };
  for (const file of files.values()) visit(file);
  return [...ordered];
}

/** @throws UsageError that names what there is instead */
export function methodOf(contract: FileRegistry, serviceName: string, methodName: string): DescMethod {
  const service = contract.getService(serviceName);
  if (service === undefined) {
    const meant = contract.getService(`${serviceName}.${methodName}`);
    if (meant !== undefined) throw methodForgotten(meant);
    const known = servicesOf(contract).map(({ typeName }) => typeName);
    const list = known.length === 0 ? "none" : someOf(known);
    throw new UsageError(`there is no service ${serviceName}${didYouMean(serviceName, known)}; known are: ${list}`);
  }
  const method = service.methods.find(({ name, localName }) => name === methodName || localName === methodName);
  if (method === undefined) {
    const known = service.methods.map(({ name }) => name);
    const hint = didYouMean(methodName, known);
    throw new UsageError(`${serviceName} has no method ${methodName}${hint}; it has: ${someOf(known)}`);
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

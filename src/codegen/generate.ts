import { create, createFileRegistry, type DescFile, type DescMethod, type FileRegistry } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  type CodeGeneratorResponse,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponse_FileSchema,
  CodeGeneratorResponseSchema,
  Edition,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import type { MethodPolicy } from "../core/policy.ts";
import { renderDescriptorFile, withDependencies } from "./descriptor-file.ts";
import { checkMessages } from "./message-check.ts";
import { generateMessages } from "./messages.ts";
import { modulePath } from "./names.ts";
import { parseOptions } from "./options.ts";
import { resolvePolicies } from "./policy.ts";
import { renderServiceConfig } from "./service-config.ts";
import { renderServiceFile } from "./service-file.ts";

/**
 * Answers a compiler: `<name>.rpc.ts` for each file with services, `<name>.desc.ts` for these and all that they import,
 * `service_config/<service>.json` for each service with a policy, and the messages where they are asked for. What is
 * wrong with a contract or an option stands in the answer's `error`, a line for each problem.
 * @param warn takes what is no error, but should be known
 */
export function generate(request: CodeGeneratorRequest, warn: (text: string) => void): CodeGeneratorResponse {
  const response = create(CodeGeneratorResponseSchema, {
    supportedFeatures: BigInt(
      CodeGeneratorResponse_Feature.PROTO3_OPTIONAL | CodeGeneratorResponse_Feature.SUPPORTS_EDITIONS,
    ),
    minimumEdition: Edition.EDITION_PROTO2,
    maximumEdition: Edition.EDITION_2023,
  });
  try {
    for (const [name, content] of render(request, warn)) {
      response.file.push(create(CodeGeneratorResponse_FileSchema, { name, content }));
    }
  } catch (error) {
    response.error = error instanceof Error ? error.message : String(error);
  }
  return response;
}

function render(request: CodeGeneratorRequest, warn: (text: string) => void): Map<string, string> {
  const { importExtension, messages } = parseOptions(request.parameter);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
  const files = request.fileToGenerate.map((name) => registry.getFile(name)).filter((file) => file !== undefined);
  const serving = files.filter((file) => file.services.length > 0);
  const policies = check(serving, registry, warn);
  const output = new Map<string, string>();
  for (const file of serving) {
    output.set(`${modulePath(file.proto.name)}.rpc.ts`, renderServiceFile(file, policies, importExtension));
    for (const service of file.services) {
      const config = renderServiceConfig(service, policies);
      if (config !== undefined) output.set(`service_config/${service.typeName}.json`, config);
    }
  }
  for (const file of withDependencies(serving)) {
    output.set(`${modulePath(file.proto.name)}.desc.ts`, renderDescriptorFile(file, importExtension));
  }
  if (messages) {
    for (const { name, content } of generateMessages(request, files, importExtension)) output.set(name, content);
  }
  return output;
}

/**
 * Reads the policies of all services.
 * @throws Error with a line for each problem of any file
 */
function check(
  files: readonly DescFile[],
  registry: FileRegistry,
  warn: (text: string) => void,
): Map<DescMethod, MethodPolicy> {
  const policies = new Map<DescMethod, MethodPolicy>();
  const messages = checkMessages(files);
  const problems = [...messages.problems];
  for (const service of files.flatMap((file) => file.services)) {
    const resolved = resolvePolicies(service, registry);
    for (const [method, policy] of resolved.policies) policies.set(method, policy);
    problems.push(...resolved.problems);
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  messages.warnings.forEach(warn);
  return policies;
}

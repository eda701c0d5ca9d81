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
import type { MethodAuth } from "../core/method-auth.ts";
import type { MethodPolicy } from "../core/policy.ts";
import { printable } from "../core/printable.ts";
import { resolveAuths } from "./auth.ts";
import { withReadableComments } from "./comments.ts";
import { renderDescriptorFile, withDependencies } from "./descriptor-file.ts";
import { ownLayout, tsProtoLayout } from "./layout.ts";
import { checkMessages } from "./message-check.ts";
import { generateMessages } from "./messages.ts";
import { checkNames } from "./name-check.ts";
import { parseOptions } from "./options.ts";
import { resolvePolicies } from "./policy.ts";
import { renamedFiles } from "./rename-report.ts";
import { findRenames } from "./renames.ts";
import { renderServiceConfig } from "./service-config.ts";
import { type Declared, renderServiceFile } from "./service-file.ts";
import { withUsedFiles } from "./used-files.ts";

/**
 * Answers a compiler: `<name>.rpc.ts` for each file with services, the messages where they are asked for, `<name>.desc.ts`
 * for the files of both and for all that they import, and `service_config/<service>.json` for each service with a policy.
 * What is wrong with a contract or an option stands in the answer's `error`, a line for each problem.
 * @param warn takes what is no error, but should be known
 */
export function generate(request: CodeGeneratorRequest, warn: (text: string) => void): CodeGeneratorResponse {
  const response = create(CodeGeneratorResponseSchema, {
    supportedFeatures: BigInt(
      CodeGeneratorResponse_Feature.PROTO3_OPTIONAL | CodeGeneratorResponse_Feature.SUPPORTS_EDITIONS,
    ),
    minimumEdition: Edition.EDITION_PROTO2,
    maximumEdition: Edition.EDITION_2024,
  });
  try {
    for (const [name, content] of render(request, (text) => warn(printable(text)))) {
      response.file.push(create(CodeGeneratorResponse_FileSchema, { name, content }));
    }
  } catch (error) {
    const { message } = error as Error;
    response.error = message.split("\n").map(printable).join("\n");
  }
  return response;
}

/** A tree of a thousand old files is not to fill the screen. */
const mostWarnings = 100;

function render(sent: CodeGeneratorRequest, warn: (text: string) => void): Map<string, string> {
  const { importExtension, messages } = parseOptions(sent.parameter);
  // First of all: whatever comes later makes code of names.
  refuse(checkNames(sent.protoFile));
  const request = withReadableComments(sent);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
  const files = request.fileToGenerate.map((name) => registry.getFile(name) ?? notSent(name));
  const serving = files.filter((file) => file.services.length > 0);
  const using = withUsedFiles(messages ? files : serving);
  const renames = findRenames(registry.files);
  const layout = messages ? ownLayout(registry.files, renames) : tsProtoLayout;
  const used = checkMessages(using, renames, messages);
  const { policies, auths } = check(serving, registry, used.problems);
  const warnings = [...renamedFiles(using, layout), ...used.warnings];
  warnings.slice(0, mostWarnings).forEach(warn);
  if (warnings.length > mostWarnings) warn(`and ${warnings.length - mostWarnings} more like these`);
  const output = new Map<string, string>();
  const put = (name: string, content: string): void => {
    if (output.has(name)) throw new Error(`two files would be generated as ${name}: rename one of the .proto files`);
    output.set(name, content);
  };
  for (const file of serving) {
    put(`${layout.pathOf(file)}.rpc.ts`, renderServiceFile(file, { policies, auths }, layout, importExtension));
    for (const service of file.services) {
      const config = renderServiceConfig(service, policies);
      if (config !== undefined) put(`service_config/${service.typeName}.json`, config);
    }
  }
  for (const file of withDependencies(messages ? using : serving)) {
    put(`${layout.pathOf(file)}.desc.ts`, renderDescriptorFile(file, layout, importExtension));
  }
  if (messages) {
    for (const { name, content } of generateMessages(request, files, importExtension)) put(name, content);
  }
  return output;
}

function notSent(name: string): never {
  throw new Error(`"${name}" is to be generated, but the compiler did not send it`);
}

/** @throws Error with a line for each problem */
function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

/**
 * Reads what all services declare of how they are called, and by whom.
 * @param found problems that are told together with theirs
 * @throws Error with a line for each problem of any file
 */
function check(files: readonly DescFile[], registry: FileRegistry, found: readonly string[]): Declared {
  const policies = new Map<DescMethod, MethodPolicy>();
  const auths = new Map<DescMethod, MethodAuth>();
  const problems = [...found];
  for (const service of files.flatMap((file) => file.services)) {
    const resolved = resolvePolicies(service, registry);
    for (const [method, policy] of resolved.policies) policies.set(method, policy);
    const guarded = resolveAuths(service, registry);
    for (const [method, auth] of guarded.auths) auths.set(method, auth);
    problems.push(...resolved.problems, ...guarded.problems);
  }
  refuse(problems);
  return { policies, auths };
}

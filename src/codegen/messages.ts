import { clone, create, createFileRegistry, type DescFile } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse_File,
  type DescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { exacting } from "./exacting.ts";
import { groups, writeGroups } from "./groups.ts";
import { lossless } from "./lossless.ts";
import { withDescriptor } from "./message-file.ts";
import { writePresence } from "./presence.ts";
import { rename } from "./rename.ts";
import { findRenames } from "./renames.ts";
import { stringable } from "./stringable.ts";
import { findTsProto } from "./ts-proto.ts";
import { messagesOf, withUsedFiles } from "./used-files.ts";
import { weighed } from "./weighed.ts";

/** With these ts-proto makes what service files import: plain objects, and a codec that knows its full name. */
const tsProtoOptions = [
  "esModuleInterop=true",
  "forceLong=bigint",
  "oneof=unions-value",
  "enumsAsLiterals=true",
  "outputServices=none",
  "outputTypeAnnotations=static-only",
  "outputJsonMethods=false",
  "useExactTypes=false",
  "useDate=false",
  "env=both",
  "annotateFilesWithVersion=false",
  // It would emit all that is imported: descriptor.proto as well, which is imported only to declare options.
  "emitImportedFiles=false",
];

/**
 * Has ts-proto generate the messages of `files` and of every file that they take a message from, the well-known types
 * too, so that nothing that is imported is missing.
 * @throws Error where ts-proto is not installed, or fails
 */
export function generateMessages(
  request: CodeGeneratorRequest,
  files: readonly DescFile[],
  importExtension: string,
): CodeGeneratorResponse_File[] {
  const tsProto = findTsProto();
  const own = withoutOthers(request);
  own.fileToGenerate = [...withUsedFiles(files)].map(({ proto }) => proto.name);
  const all = [...createFileRegistry(create(FileDescriptorSetSchema, { file: own.protoFile })).files];
  writeGroups(all);
  writePresence(all);
  const renames = findRenames(all);
  const restore = rename(own, all, renames);
  own.parameter = [...tsProtoOptions, `importSuffix=${importExtension}`].join(",");
  const response = tsProto.run(own);
  const types = new Map(all.flatMap(messagesOf).map((type) => [type.typeName, type]));
  for (const file of response.file) {
    restore(file);
    const whole = exacting(groups(lossless(file.content, types, renames), types));
    const content = weighed(stringable(shareNoBytes(whole), types), types);
    file.content = tsProto.formatted(withDescriptor(content, file.name, importExtension));
  }
  return response.file;
}

/** The request without what ts-proto is not asked for: services and extensions, which refer to messages as well. */
function withoutOthers(sent: CodeGeneratorRequest): CodeGeneratorRequest {
  const request = clone(CodeGeneratorRequestSchema, sent);
  const strip = (message: DescriptorProto): void => {
    message.extension = [];
    message.nestedType.forEach(strip);
  };
  for (const proto of request.protoFile) {
    proto.service = [];
    proto.extension = [];
    proto.messageType.forEach(strip);
  }
  return request;
}

const emptyBytes = /(?<=[:?] )new Uint8Array\(0\)/g;

/**
 * ts-proto makes an empty array for each `bytes` field of each message, mostly to be replaced at once. To make one costs
 * as much as to read a hundred bytes, and nobody can change it: one does for all. No name in a .proto file has a `$`.
 */
function shareNoBytes(content: string): string {
  const shared = content.replace(emptyBytes, "$$noBytes");
  if (shared === content) return content;
  return shared.replace("\nfunction createBase", "\nconst $$noBytes = new Uint8Array(0);\n$&");
}

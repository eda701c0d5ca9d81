import { clone } from "@bufbuild/protobuf";
import { type CodeGeneratorRequest, CodeGeneratorRequestSchema } from "@bufbuild/protobuf/wkt";
import { printable } from "../core/printable.ts";

/**
 * The request with comments in which nothing commands a terminal or turns the direction of reading: a reader would take a
 * comment for code, or code for a comment. What is said to a linter is left out. Whoever makes code of it has to see to `*` and `/` only.
 */
export function withReadableComments(request: CodeGeneratorRequest): CodeGeneratorRequest {
  const own = clone(CodeGeneratorRequestSchema, request);
  for (const { sourceCodeInfo } of own.protoFile) {
    for (const location of sourceCodeInfo?.location ?? []) {
      location.leadingComments = readable(location.leadingComments);
      location.trailingComments = readable(location.trailingComments);
      location.leadingDetachedComments = location.leadingDetachedComments.map(readable);
    }
  }
  return own;
}

/** What is said to buf, and is nothing to a reader. */
const forLinters = /^\s*buf:lint:ignore\s/;

function readable(comment: string): string {
  return comment
    .split(/\r?\n/)
    .filter((line) => !forLinters.test(line))
    .map((line) => line.split("\t").map(printable).join("\t"))
    .join("\n");
}

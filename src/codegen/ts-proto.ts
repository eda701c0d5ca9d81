import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse,
  CodeGeneratorResponseSchema,
} from "@bufbuild/protobuf/wkt";

/** The formatter that ts-proto brings. */
interface Formatter {
  format(file: string, text: string, options: Readonly<Record<string, unknown>>): string;
}

/** ts-proto, found for the project that is generated for. */
export interface TsProto {
  /**
   * What it answers, each line as long as it comes: what changes its code looks for it on one line, whatever the lengths
   * of a contract's names.
   * @throws Error where it fails
   */
  run(request: CodeGeneratorRequest): CodeGeneratorResponse;
  /** The code in lines of 120 columns. */
  formatted(code: string): string;
}

// In a process of its own: it reads a request from stdin, and may need much memory.
const unbroken = `
const { createRequire } = require("node:module");
const plugin = process.argv[1];
const dprint = createRequire(createRequire(plugin).resolve("ts-poet"))("dprint-node");
const { format } = dprint;
dprint.format = (file, text, options) => format(file, text, { ...options, lineWidth: 1_000_000 });
require(plugin);`;

/** As ts-proto has its own code set, but for what stands there already. */
const style = {
  lineWidth: 120,
  preferSingleLine: true,
  useBraces: "maintain",
  singleBodyPosition: "maintain",
  "arrowFunction.useParentheses": "force",
  "module.sortImportDeclarations": "maintain",
  "importDeclaration.sortNamedImports": "maintain",
};

/** @throws Error where it is not installed */
export function findTsProto(): TsProto {
  const plugin = pathOfPlugin();
  const { format } = createRequire(createRequire(plugin).resolve("ts-poet"))("dprint-node") as Formatter;
  return {
    run(request) {
      const run = spawnSync(process.execPath, ["--input-type=commonjs", "--eval", unbroken, plugin], {
        input: toBinary(CodeGeneratorRequestSchema, request),
        maxBuffer: Number.POSITIVE_INFINITY,
      });
      if (run.status !== 0) throw new Error(`ts-proto failed: ${run.error?.message ?? run.stderr.toString()}`);
      const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
      if (response.error !== "") throw new Error(`ts-proto failed: ${response.error}`);
      return response;
    },
    formatted: (code) => format("file.ts", code, style),
  };
}

/** Of the project that is generated for, else the one beside this package. */
function pathOfPlugin(): string {
  for (const from of [join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      return createRequire(from).resolve("ts-proto/protoc-gen-ts_proto");
    } catch {
      // Not there: the next place is tried, and after the last one the error says what to do.
    }
  }
  throw new Error("option messages=ts-proto needs ts-proto: npm install --save-dev ts-proto");
}

#!/usr/bin/env node
import { createRequire } from "node:module";
import { buffer } from "node:stream/consumers";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
} from "@bufbuild/protobuf/wkt";
import { printable } from "../core/printable.ts";
import { generate } from "./generate.ts";

const help = `protoc-gen-trunkline turns .proto files into TypeScript.

It is a plugin: buf and protoc run it and speak to it through stdin and stdout. In buf.gen.yaml:

  version: v2
  plugins:
    - local: protoc-gen-trunkline
      out: gen
      strategy: all
      opt:
        - messages=ts-proto      # runs ts-proto for the messages; none (the default) where it is a plugin of its own
        - import_extension=.ts   # how imports end: .ts (the default), .js or none

  --help     prints this
  --version  prints the version
`;

function version(): string {
  return (createRequire(import.meta.url)("trunkline/package.json") as { version: string }).version;
}

/** @throws Error that says how the plugin is meant to be run */
async function readRequest(): Promise<CodeGeneratorRequest> {
  let request: CodeGeneratorRequest;
  const bytes = await buffer(process.stdin);
  try {
    request = fromBinary(CodeGeneratorRequestSchema, bytes);
  } catch (cause) {
    throw new Error("stdin holds no CodeGeneratorRequest: buf or protoc run this plugin, see --help", { cause });
  }
  if (request.protoFile.length === 0) {
    throw new Error("stdin holds no .proto file: buf or protoc run this plugin, see --help");
  }
  return request;
}

async function main(argument: string | undefined): Promise<void> {
  if (argument === "--help" || argument === "-h") process.stdout.write(help);
  else if (argument === "--version") process.stdout.write(`${version()}\n`);
  else if (argument !== undefined) fail(`unknown argument "${printable(argument)}"; see --help`);
  else if (process.stdin.isTTY) fail(`run by buf or protoc, not by hand\n\n${help}`);
  else process.stdout.write(toBinary(CodeGeneratorResponseSchema, generate(await readRequest(), warn)));
}

function warn(text: string): void {
  process.stderr.write(`protoc-gen-trunkline: warning: ${text}\n`);
}

function fail(message: string): void {
  process.stderr.write(`protoc-gen-trunkline: ${message.trimEnd()}\n`);
  process.exitCode = 1;
}

try {
  await main(process.argv[2]);
} catch (error) {
  fail(printable(error instanceof Error ? error.message : String(error)));
}

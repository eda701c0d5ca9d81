import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "../core/code.ts";
import { shortened } from "../core/printable.ts";
import { RpcError } from "../core/rpc-error.ts";
import { wellKnownFiles } from "../json/well-known.ts";

/** What a server may send of its contract: many times what the largest have, and soon read. */
const mostFiles = 1_000;
const mostBytes = 16 * 1024 * 1024;

/** The files of a contract, as a server sends them. */
export interface ContractFiles {
  /** @throws RpcError for what is no file, and for more than a contract has */
  add(bytes: Uint8Array): void;
  /** The name of a file that is imported and was not sent, each once. */
  nextMissing(): string | undefined;
  all(): FileDescriptorProto[];
}

/**
 * Gathers the files of a contract. A server that sends files without end, or names one missing import after the other, is
 * told from an honest one by their number and size: the first 1,000 files and 16 MiB are taken.
 */
export function createContractFiles(): ContractFiles {
  const files = new Map<string, FileDescriptorProto>();
  const wanted = new Set(wellKnownFiles.map(({ proto }) => proto.name));
  const own = wanted.size;
  const missing: string[] = [];
  let size = 0;
  return {
    add(bytes) {
      size += bytes.length;
      if (size > mostBytes) throw tooMuch(`more than ${mostBytes / 1024 / 1024} MiB`);
      const file = read(bytes);
      files.set(file.name, file);
      for (const name of file.dependency) {
        if (wanted.has(name)) continue;
        wanted.add(name);
        missing.push(name);
      }
      if (Math.max(files.size, wanted.size - own) > mostFiles) throw tooMuch(`more than ${mostFiles} files`);
    },
    nextMissing() {
      for (let name = missing.pop(); name !== undefined; name = missing.pop()) if (!files.has(name)) return name;
      return undefined;
    },
    all: () => [...files.values()],
  };
}

function read(bytes: Uint8Array): FileDescriptorProto {
  try {
    return fromBinary(FileDescriptorProtoSchema, bytes);
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** The error for a contract of a server that makes no sense. */
export function unreadable(cause: unknown): RpcError {
  const text = `reflection: the server's contract cannot be read: ${shortened((cause as Error).message)}`;
  return new RpcError(Code.INTERNAL, `${text}; give it with --proto FILE`, { cause });
}

function tooMuch(what: string): RpcError {
  const text = `reflection: the server's contract has ${what}, which is not taken from a server`;
  return new RpcError(Code.RESOURCE_EXHAUSTED, `${text}; give it with --proto FILE`);
}

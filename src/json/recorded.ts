import { createRegistry, type DescMessage, type FileRegistry, fromBinary, type Registry } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type FileDescriptor, withImports } from "../core/file-descriptor.ts";
import type { MessageType } from "../core/message.ts";
import { fileRegistry } from "./file-registry.ts";

/** What generated code has recorded of a message type. */
export interface Recorded {
  readonly schema: DescMessage;
  /** The types that an `Any` may hold: those of the message's own file and its imports, protobuf's, and `types`. */
  readonly registry: Registry;
}

type Types = readonly MessageType<any>[];

const registries = new WeakMap<FileDescriptor, FileRegistry>();
const joined = new WeakMap<Types, WeakMap<FileDescriptor, Registry>>();

/** @throws TypeError for a type that was generated without its descriptor */
export function recorded(type: MessageType<any>, types: Types | undefined): Recorded {
  const file = fileOf(type);
  const own = registryOf(file);
  const schema = own.getMessage(type.$type);
  if (schema === undefined)
    throw new TypeError(`${type.$type} has no JSON form of its own: ${file.name} has no such message`);
  return { schema, registry: types === undefined ? own : joinedBy(types, file) };
}

function fileOf({ $type, $file }: MessageType<any>): FileDescriptor {
  if ($file !== undefined) return $file;
  throw new TypeError(
    `${$type} does not know its descriptor: generate it with messages=ts-proto of protoc-gen-trunkline`,
  );
}

function registryOf(file: FileDescriptor): FileRegistry {
  let registry = registries.get(file);
  if (registry === undefined) {
    const files = [...withImports([file]).values()];
    registry = fileRegistry(
      files.map(({ base64 }) => fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, "base64"))),
    );
    registries.set(file, registry);
  }
  return registry;
}

function joinedBy(types: Types, file: FileDescriptor): Registry {
  const known = joined.get(types) ?? new WeakMap<FileDescriptor, Registry>();
  joined.set(types, known);
  const registry =
    known.get(file) ?? createRegistry(...types.map((type) => registryOf(fileOf(type))), registryOf(file));
  known.set(file, registry);
  return registry;
}

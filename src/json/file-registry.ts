import { create, createFileRegistry, type DescMessage, type FileRegistry } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { wellKnownFiles } from "./well-known.ts";

/** The types and services of some files, wherever they came from, and protobuf's own. */
export function fileRegistry(files: Iterable<FileDescriptorProto>): FileRegistry {
  const all = new Map(wellKnownFiles.map(({ proto }) => [proto.name, proto]));
  for (const file of files) all.set(file.name, file);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(all) }));
  for (const type of registry) if (type.kind === "message") nameApart(type);
  return registry;
}

/** Fields become properties of a message: not those that every object has, nor a field and a oneof the same. */
function nameApart({ members }: DescMessage): void {
  const taken = new Set<string>();
  // In a contract that a server sends any number of fields may have one name: each goes on where the one before it was.
  const counts = new Map<string, number>();
  for (const member of members as readonly { localName: string }[]) {
    const name = member.localName in {} ? `${member.localName}$` : member.localName;
    let free = name;
    for (let n = counts.get(name) ?? 1; taken.has(free); counts.set(name, n)) free = `${name}$${n++}`;
    taken.add(free);
    member.localName = free;
  }
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

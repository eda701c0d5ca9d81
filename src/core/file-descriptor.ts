/** One `.proto` file as its serialized `google.protobuf.FileDescriptorProto`, for reflection, JSON and fingerprints. */
export interface FileDescriptor {
  /** The file's path: `greeter/v1/greeter.proto`. */
  readonly name: string;
  /** The descriptor's bytes in base64, without source info. */
  readonly base64: string;
  readonly dependencies: readonly FileDescriptor[];
}

/** The files and all that they import, by name. */
export function withImports(roots: readonly FileDescriptor[]): Map<string, FileDescriptor> {
  const files = new Map<string, FileDescriptor>();
  const visit = (file: FileDescriptor): void => {
    if (files.has(file.name)) return;
    files.set(file.name, file);
    for (const dependency of file.dependencies) visit(dependency);
  };
  for (const root of roots) visit(root);
  return files;
}

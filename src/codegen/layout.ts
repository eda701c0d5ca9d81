import type { DescEnum, DescFile, DescMessage } from "@bufbuild/protobuf";
import { typeExport } from "./names.ts";
import { ownPaths, tsProtoPath } from "./paths.ts";
import { exportedAs, type Renames } from "./renames.ts";

/** Where generated code stands, and under which names. */
export interface Layout {
  /** The path of what is made of a file, without its ending. */
  pathOf(file: DescFile): string;
  /** As which the code of messages exports a type. */
  exportOf(type: DescMessage | DescEnum): string;
}

/** Where this plugin has ts-proto put messages. */
export function ownLayout(files: Iterable<DescFile>, renames: Renames): Layout {
  const paths = ownPaths(files);
  return {
    pathOf: ({ proto }) => paths.get(proto.name) ?? tsProtoPath(proto.name),
    exportOf: (type) => exportedAs(type, renames),
  };
}

/** Where ts-proto puts messages by itself. */
export const tsProtoLayout: Layout = {
  pathOf: ({ proto }) => tsProtoPath(proto.name),
  exportOf: (type) => typeExport(type, ({ name }) => name),
};

import type { DescFile } from "@bufbuild/protobuf";

/** What a `.proto` says above and behind a declaration, and where the declaration stands. */
export interface Source {
  readonly comment: string;
  /** `greeter/v1/greeter.proto:7`, or without the line where the compiler sent none. */
  readonly at: string;
}

/**
 * Finds a declaration in its file.
 * @param path as in `google.protobuf.SourceCodeInfo.Location`: field numbers and indices in turn. Where the compiler
 *   sent no location for it, the place is that of the nearest declaration around it.
 */
export function findSource(file: DescFile, path: readonly number[]): Source {
  const locations = file.proto.sourceCodeInfo?.location ?? [];
  const exact = locations.find((location) => isSame(location.path, path));
  let around = exact;
  for (let length = path.length - 1; around === undefined && length > 0; length--) {
    around = locations.find((location) => isSame(location.path, path.slice(0, length)));
  }
  const line = around?.span[0];
  return {
    comment: [exact?.leadingComments, exact?.trailingComments].map(clean).filter(Boolean).join("\n\n"),
    at: line === undefined ? file.proto.name : `${file.proto.name}:${line + 1}`,
  };
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}

function clean(comment: string | undefined): string {
  return (comment ?? "")
    .split("\n")
    .map((line) => line.replace(/^ /, "").trimEnd())
    .join("\n")
    .trim();
}

/** A JSDoc comment; empty where there is nothing to say. */
export function jsDoc(comment: string, deprecated: boolean, indent: string): string {
  const text = [comment.replaceAll("*/", "*\\/"), deprecated ? "@deprecated" : ""].filter(Boolean).join("\n\n");
  if (text === "") return "";
  if (!text.includes("\n")) return `${indent}/** ${text} */\n`;
  const lines = text.split("\n").map((line) => `${indent} *${line === "" ? "" : ` ${line}`}\n`);
  return `${indent}/**\n${lines.join("")}${indent} */\n`;
}

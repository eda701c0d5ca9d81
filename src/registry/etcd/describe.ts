import { shortened } from "../../core/printable.ts";

/** An error in one short line, for a log and for `Snapshot.reason`. */
export function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // What grpc-js puts around the cause says nothing more.
  const plain = text.replace(/^\d+ [A-Z_]+: /, "").replace(/ Resolution note: $/, "");
  const [line = ""] = plain.split("\n");
  return shortened(line) || "no reason given";
}

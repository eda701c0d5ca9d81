import type { Reply } from "../core/call.ts";
import { whatIs } from "../core/what-is.ts";

/**
 * What a server's interceptors hand on in the end, which may be anything.
 * @throws TypeError that says what is missing
 */
export function checkedReply(given: Reply | null | undefined): Reply {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`an interceptor gave ${whatIs(given)} for a reply: return next(call)`);
  }
  for (const part of ["header", "trailer"] as const) {
    const metadata: unknown = given[part];
    // The Metadata of another copy of this package does as well.
    if (typeof metadata === "object" && metadata !== null && "flat" in metadata) continue;
    const remedy =
      "return { response, header: reply.header, get trailer() { return reply.trailer; } }, " +
      "since the reply of a stream cannot be spread, and its trailer comes last";
    throw new TypeError(`an interceptor gave a reply whose ${part} is ${typeof metadata}, and no Metadata: ${remedy}`);
  }
  return given;
}

/** gRPC's status codes, by name. https://grpc.io/docs/guides/status-codes/ */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type Code = (typeof Code)[keyof typeof Code];
export type CodeName = keyof typeof Code;

const names = Object.keys(Code) as CodeName[];

/** The name of a code; a number gRPC does not define is `UNKNOWN`, as its specification asks. */
export function codeName(code: number): CodeName {
  return names[code] ?? "UNKNOWN";
}

/** Reads a code off the wire; what gRPC does not define is `UNKNOWN`. */
export function codeFrom(value: number): Code {
  return names[value] === undefined ? Code.UNKNOWN : (value as Code);
}

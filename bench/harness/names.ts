/** The contenders, in the order of the tables. */
export const contenderNames = [
  "trunkline",
  "trunkline-bare",
  "grpc-js",
  "nice-grpc",
  "connect-node",
  "node-http2",
  "moleculer",
  "fastify-undici",
  "raw-socket",
] as const;

export type ContenderName = (typeof contenderNames)[number];

/** Those that need what only bench/package.json brings. */
export const foreign: readonly ContenderName[] = ["nice-grpc", "connect-node", "moleculer", "fastify-undici"];
export const quickNames: readonly ContenderName[] = ["trunkline", "trunkline-bare", "grpc-js", "raw-socket"];
/** Those whose memory is measured: they have all calls, and a connection for each client. */
export const withMemory: readonly ContenderName[] = ["trunkline", "grpc-js"];

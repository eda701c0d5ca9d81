/** Options of a server's wire that a client has not. */
export const ofServers = [
  "maxConcurrentStreams",
  "maxConnections",
  "maxConnectionsPerAddress",
  "maxConnectionAgeMs",
  "maxConnectionAgeGraceMs",
  "maxConnectionIdleMs",
  "acceptCompression",
] as const;

/** Options of a client's wire that a server has not. */
export const ofChannels = ["connectTimeoutMs", "keepaliveWithoutCalls", "confirmIdleMs", "userAgent"] as const;

/** Options of either, which belong to none of the transports. */
export const ofBoth = [
  "maxMetadataBytes",
  "maxReceiveMessageBytes",
  "maxSendMessageBytes",
  "keepaliveMs",
  "keepaliveTimeoutMs",
  "compression",
  "tls",
] as const;

/** Says of options that look as if they stood here where they stand. */
export function places(
  ...groups: readonly (readonly [names: readonly string[], where: string])[]
): ReadonlyMap<string, string> {
  return new Map(groups.flatMap(([names, where]) => names.map((name) => [name, where] as const)));
}

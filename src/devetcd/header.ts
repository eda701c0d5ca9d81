import type { ResponseHeader } from "../../gen/etcd/api/etcdserverpb/rpc.ts";

/** Who answers: what stands in the header of every reply. */
export interface Member {
  readonly clusterId: bigint;
  readonly memberId: bigint;
}

/** A lone member has been elected once. */
export const raftTerm = 2n;

/** A header as etcd's replies inside a transaction have it: with the revision and nothing else. */
export function revisionHeader(revision: bigint): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision, raftTerm: 0n };
}

/** The header of a reply. */
export function fullHeader({ clusterId, memberId }: Member, revision: bigint): ResponseHeader {
  return { clusterId, memberId, revision, raftTerm };
}
